/** Every setting of the product: its variable, default, meaning and rule. docs/SETTINGS.md is compared with this table. */
import { z } from 'zod';
import { acpAgents } from './acp-agents.js';
import { hostPattern } from './host-pattern.js';

/** A whole number of the given unit, within bounds. */
const integer = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
const flag = z.enum(['true', 'false', '1', '0']).transform((value) => value === 'true' || value === '1');
const list = z.string().transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);
/** Hosts in their one spelling. */
/** `name=value` pairs separated by commas, values percent-encoded: as OpenTelemetry writes headers. */
const pairs = z.string().transform((value, context) =>
  Object.fromEntries(
    value
      .split(',')
      .filter((pair) => pair.trim() !== '')
      .map((pair) => {
        const [, name = '', text = ''] = /^\s*([\w.-]+)\s*=(.*)$/.exec(pair) ?? [];
        try {
          if (name !== '') return [name, decodeURIComponent(text.trim())];
        } catch {
          // told below
        }
        context.addIssue('must be name=value pairs, separated by commas, with percent-encoded values');
        return ['', ''];
      }),
  ),
);
const hosts = list.transform((names, context) =>
  names.flatMap((name) => {
    const pattern = hostPattern(name);
    if (pattern === undefined)
      context.addIssue(`"${name}" is no host, or a wildcard over what many own (*.com), or an address`);
    return pattern ?? [];
  }),
);

/** The engines that this version has. */
const ENGINE_NAMES: readonly string[] = ['claude-code', 'messages', 'hybrid'];
const engineNames = list.transform((names, context) => {
  for (const name of names)
    if (!ENGINE_NAMES.includes(name)) context.addIssue(`"${name}" is no engine: ${ENGINE_NAMES.join(', ')}`);
  return names;
});

const COMMAND_NAMES: readonly string[] = ['generate', 'analyze', 'refactor', 'review'];
/** What holds for single commands, by their names. */
const byCommand = pairs.transform((values, context): ReadonlyMap<string, string> => {
  for (const name of Object.keys(values))
    if (!COMMAND_NAMES.includes(name))
      context.addIssue(`"${name}" is no command: ${COMMAND_NAMES.join(', ')}`);
  return new Map(Object.entries(values));
});

/** Points of the engine `hybrid`, by what they are given for (docs/ENGINES.md); 50 and it is Claude Code's. */
const HYBRID_POINTS = {
  ...{ generate: 5, analyze: 10, review: 15, refactor: 20, fix: 10 },
  ...{ programs: 60, hosts: 60, breadth: 30, steps: 15, length: 20, files: 25, unnamed: 10, size: 30 },
} as const;
type Points = Readonly<Record<keyof typeof HYBRID_POINTS, number>>;
const points = pairs.transform((values, context): Points => {
  const given = Object.entries(values).map(([name, text]): [string, number] => {
    if (!Object.hasOwn(HYBRID_POINTS, name))
      context.addIssue(`"${name}" is none of ${Object.keys(HYBRID_POINTS).join(', ')}`);
    if (text.trim() === '' || !Number.isFinite(Number(text))) context.addIssue(`${name} must be a number`);
    return [name, Number(text)];
  });
  return { ...HYBRID_POINTS, ...Object.fromEntries(given) };
});

const KIB = 1024;
const MIB = 1024 * KIB;

const isLoopback = (hostname: string) => ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
const upstream = z.url().refine((value) => {
  const url = new URL(value);
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
}, 'must be https:// (http:// only for loopback)');

const collector = z.url({ protocol: /^https?$/, error: 'must be http:// or https://' });

const redis = z.url().refine((value) => {
  const { protocol } = new URL(value);
  return protocol === 'redis:' || protocol === 'rediss:';
}, 'must be redis:// or, over TLS, rediss://');

const postgres = z.url().refine((value) => {
  const { protocol } = new URL(value);
  return protocol === 'postgres:' || protocol === 'postgresql:';
}, 'must be postgres:// or postgresql://');

/** `s3://bucket/prefix`, the prefix being what lies before all names. Rules of bucket names: AWS, "Bucket naming rules". */
const BUCKET = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([\w!.*'()/-]*))?$/;
const storage = z.string().transform((text, context) => {
  if (text === 'local' || text === 'shared') return { kind: text } as const;
  const [whole, bucket = '', prefix = ''] = BUCKET.exec(text) ?? [];
  if (whole === undefined) context.addIssue('must be local, shared or s3://bucket/prefix');
  return { kind: 's3', bucket, prefix: prefix.replace(/^\/+|\/+$/g, '') } as const;
});

interface Setting<T extends z.ZodType = z.ZodType> {
  rule: T;
  /** As it would be written in the environment; undefined = not set. */
  default?: string;
  /** One line: what it is, its unit, why the default. */
  about: string;
  /** May be given as NAME_FILE, the path of a file that holds it; never printed. */
  secret?: true;
}
const setting = <T extends z.ZodType>(value: Setting<T>) => value;

export const SETTINGS = {
  NODE_ENV: setting({
    rule: z.string(),
    default: 'development',
    about: '`production` refuses to start without a model key and keeps the logs as JSON.',
  }),
  ANTHROPIC_API_KEY: setting({
    rule: z.string().min(1).optional(),
    secret: true,
    about:
      "The model service's key. Without it the model is rehearsed offline; in production the start is refused.",
  }),
  ANTHROPIC_BASE_URL: setting({
    rule: upstream,
    default: 'https://api.anthropic.com',
    about: 'Upstream of the model gateway; `http://` only for loopback.',
  }),
  OPENAI_API_KEY: setting({
    rule: z.string().min(1).optional(),
    secret: true,
    about:
      'Key for the agents of ACP_AGENTS whose provider is `openai`. Without it they are not well, or rehearsed where Anthropic is.',
  }),
  OPENAI_BASE_URL: setting({
    rule: upstream,
    default: 'https://api.openai.com/v1',
    about:
      'Where those agents are forwarded to, up to what stands before `/chat/completions`: OpenAI, or any service that speaks as it does. `http://` only for loopback.',
  }),
  GEMINI_API_KEY: setting({
    rule: z.string().min(1).optional(),
    secret: true,
    about:
      'Key for the agents of ACP_AGENTS whose provider is `gemini`. Without it they are not well, or rehearsed where Anthropic is.',
  }),
  GEMINI_BASE_URL: setting({
    rule: upstream,
    default: 'https://generativelanguage.googleapis.com',
    about:
      'Where those agents are forwarded to, up to what stands before `/v1beta`; `http://` only for loopback.',
  }),
  CLAUDE_CODE_WORKSPACE: setting({
    rule: z.string().min(1).optional(),
    about: 'Root directory of all workspaces. Default: `workspaces` below CAISSON_DATA.',
  }),
  WORKSPACE_STORAGE: setting({
    rule: storage,
    default: 'local',
    about:
      'Where workspaces are: `local`, in CLAUDE_CODE_WORKSPACE, which only this process uses; `shared`, the same on a volume that all processes have (with REDIS_URL; its file system must rename atomically and be seen alike by all, as NFS 4 and CephFS are); `s3://bucket/prefix`, in object storage, with a copy in each process (with REDIS_URL).',
  }),
  WORKSPACE_CACHE_BYTES: setting({
    rule: integer(MIB, 1024 * 1024 * MIB),
    default: String(20 * 1024 * MIB),
    about:
      'With `s3://`: bytes that copies of workspaces may take below CAISSON_DATA, five times the largest workspace; beyond them the least recently used goes. Those in use stay.',
  }),
  S3_ENDPOINT: setting({
    rule: z.url({ protocol: /^https?$/, error: 'must be http:// or https://' }).optional(),
    about: 'Object storage that is not AWS: its URL.',
  }),
  S3_REGION: setting({
    rule: z.string().min(1),
    default: 'us-east-1',
    about: 'Region of the bucket; most other object storage takes any.',
  }),
  S3_PATH_STYLE: setting({
    rule: flag.optional(),
    about:
      'Whether the bucket stands in the path and not in the host name. Default: true with S3_ENDPOINT, where buckets seldom have a name of their own.',
  }),
  S3_TIMEOUT_MS: setting({
    rule: integer(100, 3_600_000),
    default: '30000',
    about:
      'Milliseconds in which object storage must answer a request, or send or take something more; each is tried three times, then E012.',
  }),
  AWS_ACCESS_KEY_ID: setting({
    rule: z.string().min(1).optional(),
    secret: true,
    about:
      "Key of the object storage, with AWS_SECRET_ACCESS_KEY. Without them the AWS SDK looks where it always does: a pod's service account, the instance's role, its configuration files.",
  }),
  AWS_SECRET_ACCESS_KEY: setting({
    rule: z.string().min(1).optional(),
    secret: true,
    about: 'Secret of AWS_ACCESS_KEY_ID.',
  }),
  AWS_SESSION_TOKEN: setting({
    rule: z.string().min(1).optional(),
    secret: true,
    about: 'Token of a temporary AWS_ACCESS_KEY_ID.',
  }),
  CLAUDE_CODE_TIMEOUT: setting({
    rule: integer(1, 86_400),
    default: '300',
    about: 'Seconds: upper limit and default of an execution.',
  }),
  CLAUDE_CODE_MAX_CONCURRENT: setting({
    rule: integer(1, 1000),
    default: '5',
    about:
      'Executions that run at once. One Claude Code holds about 190 MB and starts with half a CPU second.',
  }),
  USER_MAX_CONCURRENT: setting({
    rule: integer(0, 100_000),
    default: '0',
    about:
      'Executions of one user that run at once, over all workers; the others wait and hold up nobody. 0: no limit, since users take turns and a place that nobody else wants would only stay empty. Set it, alike in every process, where runs are long.',
  }),
  CLAUDE_CODE_BINARY: setting({
    rule: z.string().min(1).optional(),
    about: 'Path of the `claude` executable. Default: the one the Agent SDK carries for this platform.',
  }),
  CLAUDE_CODE_MAX_TURNS: setting({
    rule: integer(1, 1000),
    default: '100',
    about: 'Model turns of one execution: the guard against an agent that loops.',
  }),
  CLAUDE_CODE_MODEL: setting({
    rule: z.string().min(1),
    default: 'claude-sonnet-5-5',
    about: 'Model of a request that names none.',
  }),
  CLAUDE_CODE_MODELS: setting({
    rule: list,
    default:
      'claude-opus-5-5,claude-sonnet-5-5,claude-haiku-5-5,claude-opus-5,claude-sonnet-5,claude-opus-4-8,claude-sonnet-4-6,claude-sonnet-4-5,claude-haiku-4-5',
    about: 'Models a request may name, separated by commas; others are refused with E003.',
  }),
  MODEL_BY_COMMAND: setting({
    rule: byCommand,
    default: '',
    about:
      'Model of single commands instead of CLAUDE_CODE_MODEL, e.g. `analyze=claude-haiku-5-5,review=claude-opus-5-5`.',
  }),
  ENGINES: setting({
    rule: engineNames,
    default: ENGINE_NAMES.join(','),
    about:
      'Engines that a request may name, separated by commas; others are refused with E003. Alike in every process.',
  }),
  ACP_AGENTS: setting({
    rule: acpAgents,
    default: '{}',
    about:
      'Agents that speak the Agent Client Protocol, as JSON of name → `{command, directory?, provider, models, env?}`; each is an engine `acp:<name>` (docs/ENGINES.md). Alike in every process. None by default: they are installed by whoever runs the server.',
  }),
  ENGINE_DEFAULT: setting({
    rule: z.string().min(1),
    default: 'claude-code',
    about:
      'Engine of a request that names none. Claude Code, which can do all that is asked for. Warm processes (POOL_SIZE) are of use to it alone.',
  }),
  ENGINE_BY_COMMAND: setting({
    rule: byCommand,
    default: '',
    about: 'Engine of single commands instead of ENGINE_DEFAULT, e.g. `analyze=messages`.',
  }),
  MESSAGES_MAP_TOKENS: setting({
    rule: integer(0, 1_000_000),
    default: '4000',
    about:
      'Engine `messages`: tokens (of four characters) of the map of the workspace that the model is shown: the names of some 500 files, or fewer with their declarations.',
  }),
  MESSAGES_FILES_TOKENS: setting({
    rule: integer(0, 10_000_000),
    default: '30000',
    about:
      'Engine `messages`: tokens (of four characters) of the contents of `context.files` that go along with the prompt, some 3 000 lines; what does not fit is read by a tool.',
  }),
  MESSAGES_CONTEXT_TOKENS: setting({
    rule: integer(10_000, 10_000_000),
    default: '150000',
    about:
      'Engine `messages`: tokens of a request above which what tools said long ago is left out: three quarters of the smallest context of the listed models.',
  }),
  MESSAGES_OUTPUT_TOKENS: setting({
    rule: integer(256, 1_000_000),
    default: '16000',
    about:
      'Engine `messages`: tokens of one answer of the model, a file of some 1 500 lines; a longer answer goes on in a further one.',
  }),
  MESSAGES_TOOL_OUTPUT_CHARS: setting({
    rule: integer(1000, 10_000_000),
    default: '50000',
    about: 'Engine `messages`: characters that a tool tells the model at once, 2 000 lines of 25.',
  }),
  MESSAGES_TOOL_TIMEOUT_MS: setting({
    rule: integer(100, 3_600_000),
    default: '20000',
    about:
      'Engine `messages`: milliseconds for one tool; a search through 100 000 files takes some seconds, a pattern that never ends is ended.',
  }),
  HYBRID_THRESHOLD: setting({
    rule: integer(0, 1000),
    default: '50',
    about:
      'Engine `hybrid`: points from which a task is given to Claude Code: a shell that is needed is enough, so are two of the lesser reasons. 0 gives it all.',
  }),
  HYBRID_WEIGHTS: setting({
    rule: points,
    default: '',
    about: `Engine \`hybrid\`: points instead of the usual ones, e.g. \`programs=100,breadth=10\`. Those are ${Object.entries(
      HYBRID_POINTS,
    )
      .map(([name, value]) => `${name}=${value}`)
      .join(', ')} (docs/ENGINES.md).`,
  }),
  HYBRID_MAX_TURNS: setting({
    rule: integer(1, 1000),
    default: '15',
    about:
      'Engine `hybrid`: model turns over the Messages API after which a task is handed over to Claude Code. What is simple takes three to eight.',
  }),
  HYBRID_LEARNED_CHARS: setting({
    rule: integer(0, 1_000_000),
    default: '8000',
    about:
      'Engine `hybrid`: characters of what the first agent says that it learned which go along then: two pages.',
  }),
  PORT: setting({ rule: integer(0, 65_535), default: '3000', about: 'TCP port; 0 takes a free one.' }),
  HOST: setting({
    rule: z.string().min(1),
    default: '127.0.0.1',
    about: 'Address to listen on. Loopback by default, so that nothing is exposed by accident.',
  }),
  CAISSON_DATA: setting({
    rule: z.string().min(1),
    default: './data',
    about: 'Directory of the database, the sockets and all other state.',
  }),
  CAISSON_ROLE: setting({
    rule: z.enum(['all', 'api', 'worker']),
    default: 'all',
    about:
      'Which part this process is: `api` answers callers, `worker` carries out, `all` does both. Without REDIS_URL only `all` is accepted.',
  }),
  DATABASE_URL: setting({
    rule: postgres.optional(),
    secret: true,
    about:
      'PostgreSQL (14 or later): `postgres://`, with user, password, database and parameters such as `sslmode=verify-full`. Default: SQLite in CAISSON_DATA.',
  }),
  DATABASE_POOL_SIZE: setting({
    rule: integer(2, 1000),
    default: '10',
    about:
      'Connections to PostgreSQL of one process, which has one more for its lock: so nine processes fit into the 100 of its default.',
  }),
  DATABASE_STATEMENT_TIMEOUT_MS: setting({
    rule: integer(100, 600_000),
    default: '10000',
    about:
      'Milliseconds for one statement on PostgreSQL, and of silence within a transaction, before it is given up (E012): a thousand times what most take, and shorter than a caller’s patience. Migrations have no limit.',
  }),
  DATABASE_CONNECT_TIMEOUT_MS: setting({
    rule: integer(100, 60_000),
    default: '5000',
    about:
      'Milliseconds for a connection to PostgreSQL, or for one of the pool to become free, before a call is refused (E012).',
  }),
  PROCESS_LEASE_MS: setting({
    rule: integer(1000, 600_000),
    default: '15000',
    about:
      'With REDIS_URL: milliseconds of silence after which a process is given up for lost and what it ran is ended, or tried again. It says five times as often that it is there: longer than any pause of a healthy one, short enough that nobody waits half a minute.',
  }),
  WARM_PREFERENCE_MS: setting({
    rule: integer(0, 60_000),
    default: '100',
    about:
      'With REDIS_URL: milliseconds for which an execution is offered only to the worker that has its workspace warm, before every other one may take it: far less than a cold start takes, so that a busy worker costs nobody time.',
  }),
  REDIS_URL: setting({
    rule: redis.optional(),
    secret: true,
    about:
      'Redis (7 or later) over which replicas share events, throttling and sockets: `redis://` or, over TLS, `rediss://`, with user, password and database. Default: this process is the only one.',
  }),
  REDIS_TIMEOUT_MS: setting({
    rule: integer(100, 60_000),
    default: '1000',
    about:
      'Milliseconds in which Redis must answer, or its connection is made anew and the call goes on without it: far above an answer, below what a caller notices.',
  }),
  REDIS_BACKLOG_BYTES: setting({
    rule: integer(64 * KIB, 1024 * MIB),
    default: String(16 * MIB),
    about:
      'Bytes of events under way to Redis; further ones are not sent, and readers of other replicas get them from the database: the events of a busy second.',
  }),
  BOOTSTRAP_API_KEY: setting({
    rule: z.string().min(32).optional(),
    secret: true,
    about: 'Secret of the first admin key (32 characters or more). Default: made, and printed once.',
  }),
  RATE_LIMIT_REQUESTS: setting({
    rule: integer(1, 1_000_000),
    default: '100',
    about: 'Requests per window, counted per user and per IP address.',
  }),
  RATE_LIMIT_WINDOW_MS: setting({
    rule: integer(1000, 3_600_000),
    default: '60000',
    about: 'Milliseconds of the rate limit window.',
  }),
  QUEUE_MAX: setting({
    rule: integer(1, 1_000_000),
    default: '10000',
    about:
      'Executions that may wait; those of batches, those that wait for the model service (mode `economy`) and all others are counted apart. One more is refused with E012, so that a flood cannot fill the disk. Ten of the largest batches.',
  }),
  SHUTDOWN_GRACE: setting({
    rule: integer(0, 3600),
    default: '20',
    about:
      'Seconds that running executions get to finish after SIGTERM. With 5 more until KILL it stays below the 30 that Kubernetes gives.',
  }),
  PROMPT_MAX_CHARS: setting({
    rule: integer(1, 10_000_000),
    default: '100000',
    about: 'Characters of a prompt (UTF-16 code units).',
  }),
  PROMPT_POLICY: setting({
    rule: z.enum(['courtesy', 'off']),
    default: 'courtesy',
    about:
      'Refuses prompts that plainly ask to leave the workspace (E006). A courtesy: what protects is the sandbox.',
  }),
  KEY_LOOK_MS: setting({
    rule: integer(100, 60_000),
    default: '1000',
    about:
      'Milliseconds between two looks whether the keys of open streams and sockets were revoked elsewhere: one query for a hundred keys.',
  }),
  BODY_MAX_BYTES: setting({
    rule: integer(1024, 1024 * MIB),
    default: String(2 * MIB),
    about: 'Bytes of a JSON request body: room for the longest prompt, escaped.',
  }),
  BATCH_MAX_ITEMS: setting({
    rule: integer(1, 100_000),
    default: '1000',
    about: 'Requests in one batch.',
  }),
  BATCH_MAX_BYTES: setting({
    rule: integer(1024, 1024 * MIB),
    default: String(8 * MIB),
    about:
      'Bytes of the body of a batch: 8 KiB for each of 1000 requests. Over socket.io BODY_MAX_BYTES holds for it too.',
  }),
  ECONOMY_POLL_MS: setting({
    rule: integer(10, 3_600_000),
    default: '60000',
    about:
      'Batches of mode `economy`: milliseconds between two questions to the model service how they stand, and between two looks for new ones. Young ones are asked after more often: each tenth of their age, from a second on.',
  }),
  ECONOMY_WAIT_MS: setting({
    rule: integer(1000, 7 * 24 * 3_600_000),
    default: String(24 * 3_600_000),
    about:
      'Batches of mode `economy`: milliseconds from acceptance after which they are cancelled at the model service, and what has no answer then ends as E001. The service itself gives up after 24 hours.',
  }),
  ECONOMY_TRIES: setting({
    rule: integer(1, 1000),
    default: '10',
    about:
      'Batches of mode `economy`: times in a row that the model service may fail (429, 529, unreachable, not understood) before their executions fail with its error. Each waits twice as long as the one before, up to 60 × ECONOMY_POLL_MS: some four hours in all.',
  }),
  ECONOMY_PARCEL_BYTES: setting({
    rule: integer(64 * KIB, 256 * MIB),
    default: String(32 * MIB),
    about:
      'Batches of mode `economy`: bytes that are handed over to the model service at once, which memory holds meanwhile; a larger batch goes in several parcels. The service takes 256 MB.',
  }),
  ECONOMY_FILES_TOKENS: setting({
    rule: integer(0, 10_000_000),
    default: '100000',
    about:
      'Batches of mode `economy`: tokens (of four characters) of the contents of files that go along with a prompt, some 10 000 lines: nothing can be read later. For `analyze` and `review` without `context.files`, those of the working directory.',
  }),
  ECONOMY_OUTPUT_TOKENS: setting({
    rule: integer(256, 1_000_000),
    default: '32000',
    about:
      'Batches of mode `economy`: tokens of an answer, which cannot go on in a further one: twice MESSAGES_OUTPUT_TOKENS.',
  }),
  FILE_MAX_BYTES: setting({
    rule: integer(1, 10 * 1024 * MIB),
    default: String(32 * MIB),
    about: 'Bytes of one file put through the API.',
  }),
  UPLOAD_MAX_BYTES: setting({
    rule: integer(1, 10 * 1024 * MIB),
    default: String(256 * MIB),
    about: 'Bytes of an uploaded archive (E015): any source repository with its history, few data sets.',
  }),
  UPLOAD_UNPACKED_MAX_BYTES: setting({
    rule: integer(1, 1024 * 1024 * MIB),
    default: String(1024 * MIB),
    about:
      'Bytes of all files of an upload or clone (E015): a quarter of SANDBOX_WORKSPACE_BYTES, room for what a build adds.',
  }),
  UPLOAD_MAX_ENTRIES: setting({
    rule: integer(1, 100_000),
    default: '100000',
    about: 'Files, directories and links of an upload or clone (E015): as many as a list of files can tell.',
  }),
  UPLOAD_MAX_RATIO: setting({
    rule: integer(2, 10_000),
    default: '200',
    about:
      'How many times its size an archive may unpack to, past the first 8 MiB (E015): sources come to 10, logs to 100, a bomb to 1000 and more.',
  }),
  UPLOAD_MAX_DEPTH: setting({
    rule: integer(1, 1000),
    default: '64',
    about: 'Parts of a path in an upload or clone (E015): the deepest node_modules has about 30.',
  }),
  CLONE_HOSTS: setting({
    rule: hosts,
    default: 'github.com,gitlab.com,bitbucket.org,codeberg.org',
    about:
      'Hosts that repositories are cloned from without a grant, separated by commas: the large public ones, which serve nothing but what anybody may read.',
  }),
  CLONE_CA_FILE: setting({
    rule: z.string().min(1).optional(),
    about: "File of certificates (PEM) that git trusts besides the system's, for servers of one's own.",
  }),
  CLONE_TIMEOUT: setting({
    rule: integer(1, 86_400),
    default: '300',
    about: 'Seconds for a clone (E001): a repository of 1 GiB at 30 Mbit/s.',
  }),
  TRANSFER_TIMEOUT: setting({
    rule: integer(1, 86_400),
    default: '600',
    about:
      'Seconds for an upload or download as a whole (E001): 256 MiB at 4 Mbit/s. An upload that stands still for REQUEST_TIMEOUT_MS ends sooner.',
  }),
  TRANSFERS_MAX_CONCURRENT: setting({
    rule: integer(1, 1000),
    default: '8',
    about:
      'Uploads, downloads and clones at once, on top of the executions (E012): each holds a sandbox of some 60 MB for as long as its client takes.',
  }),
  REQUEST_TIMEOUT_MS: setting({
    rule: integer(1000, 3_600_000),
    default: '30000',
    about: 'Milliseconds in which a client must have sent its whole request; uploads have TRANSFER_TIMEOUT.',
  }),
  HEADERS_TIMEOUT_MS: setting({
    rule: integer(1000, 3_600_000),
    default: '10000',
    about:
      'Milliseconds in which a connection must have sent the headers of a request, or be closed: what a slow or idle one may cost.',
  }),
  HEADERS_MAX: setting({
    rule: integer(10, 1000),
    default: '100',
    about:
      'Headers of a request: browsers behind proxies send some forty. Their bytes are bounded by Node (16 KiB).',
  }),
  CONNECTIONS_MAX: setting({
    rule: integer(1, 1_000_000).optional(),
    about:
      'Connections of clients at once; one more is closed. A quiet one holds about 10 KB. Default: half of the descriptors that the process may open, the rest is for sandboxes.',
  }),
  CONNECTIONS_PER_ADDRESS: setting({
    rule: integer(1, 1_000_000),
    default: '1000',
    about:
      'Of these, connections of one address (IPv6: one /64), so that one caller cannot take them all. Not counted behind a proxy (TRUST_PROXY): that must count.',
  }),
  SOCKETS_PER_USER: setting({
    rule: integer(1, 1_000_000),
    default: '100',
    about: 'socket.io connections of one user at once; one more is refused with E002.',
  }),
  SOCKET_MESSAGES_AHEAD: setting({
    rule: integer(1, 100_000),
    default: '100',
    about:
      'Messages of one socket.io connection that wait for their answer, or are refused for the rate limit one after the other; past that it is closed.',
  }),
  SOCKET_PING_MS: setting({
    rule: integer(100, 600_000),
    default: '20000',
    about:
      'Milliseconds between pings over socket.io, and for the answer: a connection without one is closed.',
  }),
  STREAM_STALL_MS: setting({
    rule: integer(1000, 3_600_000),
    default: '60000',
    about:
      'Milliseconds in which a reader of an event stream must take something, or be cut off; it can resume.',
  }),
  CORS_ORIGINS: setting({
    rule: list,
    default: '',
    about: 'Origins that browsers may call from, separated by commas. None by default.',
  }),
  TRUST_PROXY: setting({
    rule: integer(0, 16),
    default: '0',
    about: 'Number of reverse proxies in front whose X-Forwarded-For is believed.',
  }),
  EVENT_MAX_BYTES: setting({
    rule: integer(1024, 16 * MIB),
    default: String(64 * KIB),
    about: "Bytes of an event's data in streams and lists; above it the event is cut and marked `truncated`.",
  }),
  STREAM_BUFFER_EVENTS: setting({
    rule: integer(1, 1_000_000),
    default: '1000',
    about: 'Events kept for a reader that does not keep up; past that it gets `stream.gap`.',
  }),
  STREAM_LOOK_MS: setting({
    rule: integer(100, 60_000),
    default: '1000',
    about:
      'With REDIS_URL: milliseconds between two looks into the database for events that Redis did not bring. So late they come while it is away; one look costs one query for up to 500 streams.',
  }),
  OUTPUT_LINE_MAX_BYTES: setting({
    rule: integer(64 * KIB, 1024 * MIB),
    default: String(32 * MIB),
    about:
      "Bytes of one line of the agent's output (E015): above the largest message, a read image of some megabytes.",
  }),
  OUTPUT_MAX_BYTES: setting({
    rule: integer(64 * KIB, 64 * 1024 * MIB),
    default: String(512 * MIB),
    about:
      "Bytes of all of the agent's output (E015), each line counted as 256 at least: far above an honest session, far below a flood.",
  }),
  CHANGE_CONTENT_MAX_BYTES: setting({
    rule: integer(0, 64 * MIB),
    default: String(256 * KIB),
    about: 'Bytes of a changed file whose content is put into the answer and the diff.',
  }),
  CONVERSATION_MAX_BYTES: setting({
    rule: integer(0, 256 * MIB),
    default: String(16 * MIB),
    about:
      'Bytes of a conversation that is kept so that `options.continue` can go on from it: some times what the largest context of a model holds. A larger one cannot be continued; 0 keeps none.',
  }),
  SNAPSHOT_FILE_MAX_BYTES: setting({
    rule: integer(0, 512 * MIB),
    default: String(64 * MIB),
    about:
      'Bytes of the largest file that snapshots keep: above any source. A larger one is told apart by its stat and cannot be had back.',
  }),
  SNAPSHOT_STORE_MAX_BYTES: setting({
    rule: integer(0, 1024 * 1024 * MIB),
    default: String(8 * 1024 * MIB),
    about:
      'Bytes that the kept contents of one workspace may take, twice the largest workspace; past them new contents are told and not kept.',
  }),
  SNAPSHOT_KEEP: setting({
    rule: integer(1, 100_000),
    default: '100',
    about:
      'Snapshots kept for each workspace, backups included. Those of executions that are still known stay.',
  }),
  SNAPSHOT_DAYS: setting({
    rule: integer(1, 36_500),
    default: '90',
    about: 'Days that snapshots are kept, backups included. Those of executions that are still known stay.',
  }),
  CACHE_SCOPE: setting({
    rule: z.enum(['user', 'project']),
    default: 'user',
    about:
      'Who is given a kept answer: `user`, nobody but the user whose execution made it; `project`, whoever asks the same of the same files in a project of the same name.',
  }),
  CACHE_MAX_BYTES: setting({
    rule: integer(0, 1024 * 1024 * MIB),
    default: String(256 * MIB),
    about:
      'Bytes of all kept answers, some ten thousand; past them those that were not used for longest go. One above a sixteenth of it is not kept. 0 keeps none and lets identical requests run side by side.',
  }),
  CACHE_MAX_AGE: setting({
    rule: integer(1, 31_536_000),
    default: '86400',
    about: 'Seconds that an answer is kept: a day, since models get better and the agent sees the date.',
  }),
  RETENTION_DAYS: setting({
    rule: integer(1, 36_500),
    default: '30',
    about: 'Days that events and results are kept after the end of their execution.',
  }),
  AUDIT_RETENTION_DAYS: setting({
    rule: integer(1, 36_500),
    default: '400',
    about: 'Days that audit entries are kept: a year and a month.',
  }),
  METRICS_PUBLIC: setting({
    rule: flag,
    default: 'false',
    about: '`true` serves /metrics without a key.',
  }),
  UPSTREAM_RETRIES: setting({
    rule: integer(0, 10),
    default: '3',
    about: 'Retries of a model request answered 429, 529 or 5xx, before its first byte.',
  }),
  UPSTREAM_TIMEOUT_MS: setting({
    rule: integer(1000, 3_600_000),
    default: '120000',
    about: 'Milliseconds without a byte from the model service after which a request counts as failed.',
  }),
  UPSTREAM_BODY_MAX_BYTES: setting({
    rule: integer(KIB, 1024 * MIB),
    default: String(32 * MIB),
    about:
      "Bytes of one sandbox's model requests under way, which memory holds for checks and retries: the service's own limit for one.",
  }),
  ROUTE_MAX_REQUESTS: setting({
    rule: integer(1, 1000),
    default: '16',
    about:
      'Model requests of one sandbox at once: Claude Code runs up to 10 tools or sub-agents side by side.',
  }),
  POOL_SIZE: setting({
    rule: integer(0, 1000),
    default: '24',
    about:
      'Claude Code processes that wait warm for a prompt, at most; each holds about 110 MB. 0 starts every one when it is asked for.',
  }),
  POOL_SPARES: setting({
    rule: integer(0, 100),
    default: '2',
    about:
      'How many of them wait in workspaces of nobody, for new projects; at most half of POOL_SIZE. Two, since new projects seldom come in threes.',
  }),
  POOL_IDLE: setting({
    rule: integer(1, 604_800),
    default: '3600',
    about:
      'Seconds without a request after which a workspace is no longer kept warm: a meeting, not a night.',
  }),
  POOL_MEMORY_LIMIT: setting({
    rule: integer(64 * MIB, 1024 * 1024 * MIB).optional(),
    about:
      'Bytes of memory (measured PSS) of all warm processes. Default: a quarter of what the machine or the container has.',
  }),
  POOL_MEMORY_FREE: setting({
    rule: integer(0, 1024 * 1024 * MIB),
    default: String(768 * MIB),
    about:
      'Bytes of memory that stay free: below, warm processes are ended until it is so again. Room for executions that start.',
  }),
  SANDBOX_UID_BASE: setting({
    rule: integer(1000, 4_000_000_000),
    default: '200000',
    about: 'As root: first host uid of the sandboxes; each user gets one of the range.',
  }),
  SANDBOX_UID_COUNT: setting({
    rule: integer(1, 100_000_000),
    default: '60000',
    about: 'As root: how many uids the range has.',
  }),
  SANDBOX_TMP_BYTES: setting({
    rule: integer(MIB, 64 * 1024 * MIB),
    default: String(256 * MIB),
    about: 'Bytes of /tmp and of the home directory in a sandbox, each; in memory.',
  }),
  SANDBOX_LIMITS: setting({
    rule: z.enum(['required', 'best-effort']).optional(),
    about:
      'Without cgroups for memory, processes and CPU: `required` runs nothing and says what mends it, `best-effort` warns and watches the processes instead. Default: `required` in production, else `best-effort`.',
  }),
  SANDBOX_MEMORY_BYTES: setting({
    rule: integer(64 * MIB, 1024 * 1024 * MIB),
    default: String(2 * 1024 * MIB),
    about:
      'Bytes of memory of one sandbox, its /tmp and home included (E015): Claude Code takes about 200 MB, the rest is for builds.',
  }),
  SANDBOX_PROCESSES: setting({
    rule: integer(32, 100_000),
    default: '256',
    about:
      'Processes and threads of one sandbox (E015): Claude Code alone has about 30, a parallel build some dozens.',
  }),
  SANDBOX_CPUS: setting({
    rule: z.coerce.number().min(0.1).max(1024),
    default: '2',
    about:
      'Processors that one sandbox may keep busy; beyond that it is slowed down. Sandboxes that compete get equal shares.',
  }),
  SANDBOX_OPEN_FILES: setting({
    rule: integer(256, 1_000_000),
    default: '1024',
    about: 'Open files of one process in a sandbox (EMFILE for the program): the usual limit of a login.',
  }),
  SANDBOX_FILE_BYTES: setting({
    rule: integer(MIB, 1024 * 1024 * MIB),
    default: String(1024 * MIB),
    about: 'Bytes of one file that a sandbox writes (EFBIG for the program): above any source, below a disk.',
  }),
  SANDBOX_WORKSPACE_BYTES: setting({
    rule: integer(MIB, 1024 * 1024 * MIB),
    default: String(4 * 1024 * MIB),
    about:
      'Bytes on disk of a workspace that a sandbox writes to (E015), measured every second or less often.',
  }),
  SANDBOX_WORKSPACE_ENTRIES: setting({
    rule: integer(1000, 100_000_000),
    default: '1000000',
    about: 'Files and directories of such a workspace (E015): ten large node_modules.',
  }),
  SANDBOX_IDLE_TIMEOUT: setting({
    rule: integer(1, 86_400),
    default: '180',
    about:
      'Seconds without a word of the agent that end an execution (E001): above the two minutes that Claude Code gives a command.',
  }),
  SANDBOX_BWRAP: setting({
    rule: z.string().startsWith('/', 'must be an absolute path'),
    default: '/usr/bin/bwrap',
    about:
      "Path of bubblewrap. The distribution's own: some systems allow user namespaces to that path only.",
  }),
  EGRESS_ALLOW: setting({
    rule: hosts,
    default: '',
    about:
      'Hosts whose port 443 the sandboxes of every project may reach, separated by commas: exact, or `*.` and a name for its sub-domains. None by default; more for one project by `PUT /api/projects/:projectId/egress`.',
  }),
  EGRESS_CONNECTIONS: setting({
    rule: integer(1, 1024),
    default: '64',
    about:
      'Egress connections of one sandbox at once; further ones are closed. npm opens 15 to a registry, the bridge in a sandbox carries 64.',
  }),
  EGRESS_REQUESTS: setting({
    rule: integer(1, 1_000_000),
    default: '10000',
    about:
      'Egress connections of one sandbox over its life, each of which is an entry of the audit: a flood cannot fill the disk.',
  }),
  EGRESS_HANDSHAKE_TIMEOUT_MS: setting({
    rule: integer(100, 600_000),
    default: '10000',
    about:
      'Milliseconds for each step of an egress connection: its request, the name, the dialling, the first message of TLS.',
  }),
  EGRESS_IDLE_TIMEOUT_MS: setting({
    rule: integer(100, 3_600_000),
    default: '120000',
    about: 'Milliseconds without a byte after which an egress connection is cut.',
  }),
  EGRESS_TOTAL_TIMEOUT_MS: setting({
    rule: integer(100, 86_400_000),
    default: '900000',
    about: 'Milliseconds after which an egress connection is cut: a large clone takes some minutes.',
  }),
  EGRESS_MAX_BYTES: setting({
    rule: integer(KIB, 1024 * 1024 * MIB),
    default: String(1024 * MIB),
    about: 'Bytes of one egress connection, both ways together, after which it is cut.',
  }),
  EGRESS_TEST_LOOPBACK: setting({
    rule: flag,
    default: 'false',
    about:
      'For tests only: granted names may lead to 127.0.0.0/8, which opens the services of this host. In production the start is refused.',
  }),
  REDACT_VALUES: setting({
    rule: list,
    default: '',
    secret: true,
    about:
      'More secrets, separated by commas, 8 characters or more each, to be taken out of streams, results and logs.',
  }),
  LOG_LEVEL: setting({
    rule: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace']),
    default: 'info',
    about: 'Least severe level that is logged.',
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: setting({
    rule: collector.optional(),
    about:
      'Base URL of an OpenTelemetry collector, e.g. `http://localhost:4318`: turns tracing on; traces go to `v1/traces` below it. Variables named OTEL_… that are not listed here are read by the OpenTelemetry SDK itself, under their standard names and meanings.',
  }),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: setting({
    rule: collector.optional(),
    about: 'The whole URL that traces go to, before OTEL_EXPORTER_OTLP_ENDPOINT.',
  }),
  OTEL_EXPORTER_OTLP_PROTOCOL: setting({
    rule: z.enum(['http/protobuf', 'http/json']),
    default: 'http/protobuf',
    about:
      'How traces are encoded. gRPC is not built in: every collector takes HTTP, and it needs no more memory.',
  }),
  OTEL_EXPORTER_OTLP_HEADERS: setting({
    rule: pairs,
    default: '',
    secret: true,
    about: 'Headers for the collector, `name=value` separated by commas, values percent-encoded.',
  }),
  OTEL_SERVICE_NAME: setting({
    rule: z.string().min(1).optional(),
    about: 'Name of this service in traces. Default: `caisson`, or what OTEL_RESOURCE_ATTRIBUTES says.',
  }),
  OTEL_SDK_DISABLED: setting({
    rule: flag,
    default: 'false',
    about: '`true` keeps tracing off although a collector is named.',
  }),
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;
export type SettingValues = { [Name in SettingName]: z.infer<(typeof SETTINGS)[Name]['rule']> };
