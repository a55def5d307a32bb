/** What `npm start -- --help` prints. */
export const HELP = `Usage: npm start

Installs what is missing (system packages as root, npm dependencies), builds when sources changed, starts the server.
Without a model key it starts in rehearsal: an offline stand-in plays the model, everything else is real.

Settings are environment variables (all of them: docs/SETTINGS.md). The ones you are likely to want:
  ANTHROPIC_API_KEY           the model service's key; ANTHROPIC_API_KEY_FILE reads it from a file
  ANTHROPIC_BASE_URL          any server that speaks the Messages API
  PORT, HOST                  where to listen (3000, 127.0.0.1); PORT=0 takes a free port
  CAISSON_DATA                database, workspaces, sockets (./data)
  CLAUDE_CODE_MAX_CONCURRENT  executions at once (5)
  CLAUDE_CODE_TIMEOUT         seconds an execution may take (300)
  BOOTSTRAP_API_KEY           the first admin key (made and printed once)

Examples:
  npm start
  PORT=8080 CAISSON_DATA=/srv/caisson npm start
  ANTHROPIC_API_KEY_FILE=/run/secrets/anthropic NODE_ENV=production npm start`;
