import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withTax } from './price.js';

test('adds the tax', () => assert.equal(withTax(100, 19), 119));
