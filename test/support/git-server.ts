/** A git server over TLS on a loopback address, as a public one is reached: by name, on port 443, through the egress route. */
import { execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { join } from 'node:path';

export const HOST = 'git.example.org';
/** Takes requests and never answers them. */
export const SILENT = '/silent.git';
/** Sends on to another host. */
export const ELSEWHERE = '/elsewhere.git';
/** Asks for a password. */
export const PRIVATE = '/private.git';

export interface GitServer {
  address: string;
  /** Path of the certificate, which is its own authority. */
  caFile: string;
  /** Paths that were asked for. */
  asked: string[];
  /** A bare repository that is served as `https://HOST/name.git`. */
  repository(name: string): Promise<Repository>;
  close(): Promise<void>;
}

/** Writes objects as they are told to be, also those that git itself would not make. */
export class Repository {
  constructor(readonly directory: string) {}

  git(args: readonly string[], input?: string | Buffer): string {
    return execFileSync('git', args, {
      cwd: this.directory,
      input,
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { PATH: process.env.PATH, ...IDENTITY },
    })
      .toString()
      .trim();
  }

  blob(content: string | Buffer): string {
    return this.git(['hash-object', '-w', '--stdin'], content);
  }

  /** @param entries mode, name and object of each */
  tree(...entries: readonly (readonly [mode: string, name: string | Buffer, object: string])[]): string {
    const raw = entries.map(([mode, name, object]) =>
      Buffer.concat([
        Buffer.from(`${mode} `),
        Buffer.from(name as string),
        Buffer.from([0]),
        Buffer.from(object, 'hex'),
      ]),
    );
    return this.git(['hash-object', '-w', '--literally', '-t', 'tree', '--stdin'], Buffer.concat(raw));
  }

  commit(tree: string, branch = 'main', ...parents: string[]): string {
    const commit = this.git([
      'commit-tree',
      ...parents.flatMap((parent) => ['-p', parent]),
      '-m',
      'test',
      tree,
    ]);
    this.git(['update-ref', `refs/heads/${branch}`, commit]);
    return commit;
  }
}

const IDENTITY = {
  GIT_AUTHOR_NAME: 'test',
  GIT_AUTHOR_EMAIL: 'test@example.org',
  GIT_COMMITTER_NAME: 'test',
  GIT_COMMITTER_EMAIL: 'test@example.org',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
};

export async function gitServer(directory: string): Promise<GitServer> {
  const root = join(directory, 'repositories');
  await mkdir(root, { recursive: true });
  const { key, cert, caFile } = await certificate(directory);
  const asked: string[] = [];
  const server = createServer({ key, cert }, (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    asked.push(path);
    if (path.startsWith(SILENT)) return;
    if (path.startsWith(PRIVATE)) return void response.writeHead(401, { 'www-authenticate': 'Basic' }).end();
    if (path.startsWith(ELSEWHERE))
      return void response
        .writeHead(302, { location: `https://other.example.org${request.url ?? ''}` })
        .end();
    serve(root, request, response);
  });
  // Several test runs on one machine take different ones.
  const address = `127.78.${randomInt(1, 255)}.${randomInt(1, 255)}`;
  server.listen(443, address);
  await once(server, 'listening');
  return {
    address,
    caFile,
    asked,
    repository: async (name) => {
      const path = join(root, `${name}.git`);
      await mkdir(path);
      const repository = new Repository(path);
      repository.git(['init', '--quiet', '--bare', '--initial-branch=main']);
      repository.git(['config', 'uploadpack.allowAnySHA1InWant', 'true']);
      return repository;
    },
    close: () => closed(server),
  };
}

/** git's own CGI program. */
function serve(root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', `https://${HOST}`);
  const program = spawn('/usr/lib/git-core/git-http-backend', [], {
    env: {
      ...{ PATH: process.env.PATH, GIT_PROJECT_ROOT: root, GIT_HTTP_EXPORT_ALL: '1', ...IDENTITY },
      ...{ PATH_INFO: url.pathname, QUERY_STRING: url.search.slice(1), REQUEST_METHOD: request.method },
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REMOTE_ADDR: '127.0.0.1',
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  response.once('close', () => program.kill('SIGKILL'));
  program.stdin.on('error', () => undefined);
  request.pipe(program.stdin);
  let head = '';
  program.stdout.on('data', function take(chunk: Buffer) {
    head += chunk.toString('latin1');
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    program.stdout.off('data', take);
    const fields = head
      .slice(0, end)
      .split('\r\n')
      .map((line) => line.split(': ', 2) as [string, string]);
    const status = fields.find(([name]) => name === 'Status')?.[1] ?? '200';
    response.writeHead(Number.parseInt(status, 10), Object.fromEntries(fields));
    response.write(Buffer.from(head.slice(end + 4), 'latin1'));
    program.stdout.pipe(response);
  });
}

async function certificate(directory: string): Promise<{ key: string; cert: string; caFile: string }> {
  const [keyFile, caFile] = [join(directory, 'git-key.pem'), join(directory, 'git-ca.pem')];
  execFileSync(
    'openssl',
    [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ],
      ...[
        '-keyout',
        keyFile,
        '-out',
        caFile,
        '-subj',
        '/CN=git',
        '-addext',
        `subjectAltName=DNS:*.example.org`,
      ],
    ],
    { stdio: 'ignore' },
  );
  return { key: await readFile(keyFile, 'utf8'), cert: await readFile(caFile, 'utf8'), caFile };
}

async function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}
