#!/usr/bin/env node
/** `claude-code`: see docs/CLI.md. */
import { launch } from './launch.mjs';

await launch('claude-code.js');
