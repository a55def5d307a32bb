import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { SETTINGS } from '../../src/config/settings.js';
import { ERROR_CATALOGUE } from '../../src/errors/catalogue.js';
import { openApiDocument } from '../../src/openapi.js';
import { categoryOf, declaredCases } from '../../scripts/test/cases.mjs';
import { VERSION } from '../../src/version.js';
import { type Caisson, startCaisson } from '../support/caisson.js';

const ROOT = join(__dirname, '..', '..');

/** `npm run docs` writes what this test would otherwise find stale. */
const UPDATE = process.env.UPDATE_DOCS === '1';

async function expectCurrent(file: string, content: string): Promise<void> {
  const path = join(ROOT, file);
  const formatted = await format(content, { ...(await resolveConfig(path)), filepath: path });
  if (UPDATE) await writeFile(path, formatted);
  // Stale? `npm run docs` writes it anew.
  expect(await readFile(path, 'utf8')).toBe(formatted);
}

/** Between them, docs/SECURITY.md holds what is made from the specs. */
const MARKS = /<!-- cases -->|<!-- end of cases -->/;

const cell = (text: string) => text.replaceAll('|', '\\|');

describe('the documents that are made from the code', () => {
  it('docs/SETTINGS.md names every setting, its default and its meaning', async () => {
    const rows = Object.entries(SETTINGS).map(([name, setting]) => {
      const fallback =
        'default' in setting ? (setting.default === '' ? 'empty' : `\`${setting.default}\``) : 'none';
      const file = 'secret' in setting ? ` Also as \`${name}_FILE\`.` : '';
      return `| \`${name}\` | ${cell(fallback)} | ${cell(setting.about)}${file} |`;
    });
    await expectCurrent(
      'docs/SETTINGS.md',
      [
        '# Settings',
        '',
        'Environment variables. An empty value counts as not set. A secret can be given as `NAME_FILE`, the path of a file',
        'that holds it. A wrong value stops the start with one message that lists every wrong variable.',
        '',
        '| variable | default | meaning |',
        '| --- | --- | --- |',
        ...rows,
        '',
        'This table is made from `src/config/settings.ts` (`npm run docs`).',
        '',
      ].join('\n'),
    );
  });

  it('docs/ERRORS.md names every error', async () => {
    const rows = Object.entries(ERROR_CATALOGUE).map(
      ([code, { name, status, when }]) => `| ${code} | ${name} | ${status} | ${cell(when)} |`,
    );
    await expectCurrent(
      'docs/ERRORS.md',
      [
        '# Errors',
        '',
        'Every error is the response envelope with `success: false` and `error: {code, message, details?}`, over HTTP with the',
        'status below, over socket.io in the acknowledgement and as `claude-code-error`.',
        '',
        '| code | name | HTTP | when |',
        '| --- | --- | --- | --- |',
        ...rows,
        '',
        'This table is made from `src/errors/catalogue.ts` (`npm run docs`).',
        '',
      ].join('\n'),
    );
  });

  it('docs/SECURITY.md has a table of every numbered case', async () => {
    const cases = declaredCases();
    expect(cases.length).toBeGreaterThan(100);
    const tables = (['attack', 'fault'] as const).flatMap((folder) => [
      `### \`npm run test:${folder}\``,
      '',
      '| id | category | case | in |',
      '| --- | --- | --- | --- |',
      ...cases
        .filter((one) => one.folder === folder)
        .map((one) => `| ${one.id} | ${categoryOf(one)} | ${cell(one.title)} | \`${basename(one.file)}\` |`),
      '',
    ]);
    const [before, , after] = (await readFile(join(ROOT, 'docs/SECURITY.md'), 'utf8')).split(MARKS);
    await expectCurrent(
      'docs/SECURITY.md',
      `${before}<!-- cases -->\n\n${tables.join('\n')}\n<!-- end of cases -->${after}`,
    );
  });

  it('the version is that of package.json', async () => {
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(VERSION).toBe(version);
  });

  describe('openapi.json', () => {
    let caisson: Caisson;
    beforeAll(async () => {
      caisson = await startCaisson();
    });
    afterAll(() => caisson.clear());

    it('is what the server answers at /docs-json', async () => {
      const document = openApiDocument(caisson.app);
      await expectCurrent('openapi.json', JSON.stringify(document));
      const served = await fetch(`${caisson.url}/docs-json`);
      expect(await served.json()).toEqual(JSON.parse(JSON.stringify(document)));
    });

    it('has request examples that run as they stand', async () => {
      const document = openApiDocument(caisson.app);
      const body = document.paths['/api/claude-code']?.post?.requestBody;
      if (body === undefined || '$ref' in body) throw new Error('no request body documented');
      const examples = Object.values(body.content['application/json']?.examples ?? {});
      expect(examples.length).toBeGreaterThanOrEqual(4);
      for (const example of examples) {
        if ('$ref' in example) throw new Error('a reference is no example');
        const { status, body: answer } = await caisson.admin.call('POST', '/api/claude-code', example.value);
        expect({ status, error: answer.error }).toEqual({ status: 200, error: undefined });
      }
    });
  });
});
