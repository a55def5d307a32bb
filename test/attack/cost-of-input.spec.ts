/** Input that costs its sender little must not cost the server much: patterns, and bodies that are all structure. */
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import ts from 'typescript';
import { globOf, patternOf } from '../../src/agents/messages/workbench/patterns.mts';
import { structureProblem } from '../../src/errors/json-text.js';
import { Redactor } from '../../src/redaction/redactor.js';
import { type EdgeApp, openEdgeApp } from '../support/edge-app.js';

const ROOT = join(__dirname, '..', '..');
const LENGTH = 50_000;

/** Milliseconds, the best of three: other work on the machine is not the pattern's cost. */
function cost(work: () => unknown): number {
  let best = Infinity;
  for (let tries = 0; tries < 3; tries += 1) {
    const begun = performance.now();
    work();
    best = Math.min(best, performance.now() - begun);
    // What is cheap once is cheap.
    if (best < 5) break;
  }
  return best;
}

/** What makes the patterns of the files that make some of strings, with strings as they really are. */
const MAKERS: Readonly<Record<string, () => unknown>> = {
  'src/redaction/redactor.ts': () => new Redactor(['sk-ant-api03-0123456789', '(a+)+$|[redacted](.*a){20}']),
  // The first is the model's own, and runs in a sandbox for as long as a tool may: one that is well made stands for it.
  'src/agents/messages/workbench/patterns.mts': () => [patternOf('TODO'), globOf('src/**/*.py')],
};

/** Every pattern of the sources, written as one or made of strings: validation, redaction, whatever comes next. */
function patterns(): [where: string, pattern: RegExp][] {
  const found: [string, RegExp][] = [];
  for (const path of globSync(join(ROOT, 'src/**/*.{ts,mts}')).filter((name) => !name.endsWith('.spec.ts'))) {
    const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest);
    const file = path.slice(ROOT.length + 1);
    let makes = 0;
    const visit = (node: ts.Node): void => {
      if (ts.isRegularExpressionLiteral(node)) {
        const end = node.text.lastIndexOf('/');
        const pattern = new RegExp(node.text.slice(1, end), node.text.slice(end + 1));
        found.push([`${file} ${node.text}`, pattern]);
      } else if (isMaking(node)) makes += 1;
      ts.forEachChild(node, visit);
    };
    visit(source);
    const made = makes === 0 ? [] : madeBy(MAKERS[file]);
    // A new one needs its maker here.
    expect({ file, patterns: made.length }).toEqual({ file, patterns: makes });
    found.push(...made.map((pattern): [string, RegExp] => [`${file} makes ${String(pattern)}`, pattern]));
  }
  return found;
}

const isMaking = (node: ts.Node): boolean =>
  (ts.isNewExpression(node) || ts.isCallExpression(node)) &&
  ts.isIdentifier(node.expression) &&
  node.expression.text === 'RegExp';

/** The patterns that are made while it runs. */
function madeBy(maker?: () => unknown): RegExp[] {
  const made: RegExp[] = [];
  const { RegExp: real } = globalThis;
  const make = (pattern: string, flags?: string): RegExp => {
    const one = new real(pattern, flags);
    made.push(one);
    return one;
  };
  globalThis.RegExp = new Proxy(real, {
    construct: (_, [pattern, flags]: [string, string?]) => make(pattern, flags),
    apply: (_, __, [pattern, flags]: [string, string?]) => make(pattern, flags),
  });
  try {
    maker?.();
  } finally {
    globalThis.RegExp = real;
  }
  return made;
}

it('[A03] every pattern of the sources takes time in proportion to its input', () => {
  const all = patterns();
  expect(all.length).toBeGreaterThan(40);
  // One pass over such a text, many times over: what a linear pattern stays below and a quadratic one (50 000 passes) does not.
  const text = 'a'.repeat(LENGTH);
  const pass = cost(() => {
    for (let times = 0; times < 200; times += 1) for (let at = 0; at < LENGTH; at += 1) text.charCodeAt(at);
  });
  const slow = all.flatMap(([where, pattern]) => {
    // What the pattern itself speaks of, repeated, and an end that it does not expect.
    const units = new Set([
      ...'aA0 /.-_\n\\"@=',
      ...pattern.source.replaceAll(/\\[a-zA-Z]/g, '').slice(0, 40),
    ]);
    const words = pattern.source.replaceAll('\\', '').match(/[\w:/?&=-]{2,}/g) ?? [];
    return [...units, ...words].flatMap((unit) => {
      const hostile = `${unit.repeat(Math.ceil(LENGTH / unit.length))}\u0000!`;
      const took = cost(() => hostile.replace(pattern, ''));
      return took > Math.max(pass, 5) * 4
        ? [`${where} on ${JSON.stringify(unit)}: ${took.toFixed()} ms`]
        : [];
    });
  });
  expect(slow).toEqual([]);
});

describe('[A01] a body that is all structure', () => {
  let app: EdgeApp;
  let key: string;
  const fields = `{${Array.from({ length: 180_000 }, (_, n) => `"k${n.toString(36)}":0`).join(',')}}`;
  beforeAll(async () => {
    app = await openEdgeApp();
    key = await app.key('alice', 'run', 'read');
  });
  afterAll(() => app.close());

  it('is refused for a fraction of what parsing it costs', () => {
    const bytes = Buffer.from(fields);
    expect(structureProblem(bytes)).toBe('too many values');
    expect(cost(() => structureProblem(bytes)) * 5).toBeLessThan(cost(() => JSON.parse(fields) as unknown));
  });

  it.each([
    ['fields', fields],
    ['levels', '['.repeat(900_000) + ']'.repeat(900_000)],
    ['empty objects', `[${'{},'.repeat(600_000)}{}]`],
  ])('of %s holds nobody up', async (_, body) => {
    const post = () => app.call('/api/trial/requests', key, { method: 'POST', body });
    await post();
    const parsing = cost(() => JSON.parse(fields) as unknown);
    const before = process.cpuUsage();
    const hostile = Array.from({ length: 10 }, post);
    expect((await app.call('/health/live')).status).toBe(200);
    for (const response of await Promise.all(hostile)) expect(response.status).toBe(400);
    // Processor time of both ends, which are in this process: other work on the machine is not the server's slowness.
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(parsing * 10 * 3);
  });

  it('of 100 MiB is refused by its length', async () => {
    // Refused by what it says of itself: it is answered although no byte of it is ever sent.
    const sent = request(`${app.url}/api/trial/requests`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        'content-length': 100 * 1024 * 1024,
      },
    });
    sent.on('error', () => undefined).flushHeaders();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(400);
    sent.destroy();
  });
});
