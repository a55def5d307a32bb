#!/usr/bin/env node
/** `caisson`: the same program; alone it is the server. */
import { launch } from './launch.mjs';

await launch('main.js');
