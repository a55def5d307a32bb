/** The real agents of the tests, as an operator would configure them in ACP_AGENTS. */
import { resolve } from 'node:path';
import type { AcpAgent } from '../../src/config/acp-agents.js';

const PACKAGES = '/opt/acp/node_modules';

/** Claude Code behind the adapter of the protocol's makers; its CLI is that of the Agent SDK. */
const claude: AcpAgent = {
  command: ['node', `${PACKAGES}/@agentclientprotocol/claude-agent-acp/dist/index.js`],
  directory: resolve('.'),
  provider: 'anthropic',
  models: ['claude-sonnet-5-5', 'claude-haiku-4-5'],
  mode: 'default',
  env: {
    CLAUDE_CODE_EXECUTABLE: `${PACKAGES}/@anthropic-ai/claude-agent-sdk-${process.platform}-${process.arch}/claude`,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    CLAUDE_CODE_MAX_RETRIES: '2',
    DISABLE_AUTOUPDATER: '1',
  },
};

const gemini: AcpAgent = {
  command: ['node', `${PACKAGES}/@google/gemini-cli/bundle/gemini.js`, '--acp', '--model', '{model}'],
  directory: resolve('.'),
  provider: 'gemini',
  models: ['gemini-2.5-pro', 'gemini-2.5-flash'],
  env: {
    GEMINI_DEFAULT_AUTH_TYPE: 'gemini-api-key',
    GEMINI_CLI_NO_RELAUNCH: 'true',
    GEMINI_CLI_TRUST_WORKSPACE: 'true',
  },
};

/**
 * Too large to be installed for the tests (185 MB): they run with it where ACP_TEST_OPENCODE names the directory of its
 * platform's package. By gpt-4.1 it is given the tools `write` and `edit`, by gpt-5 a patch.
 */
const OPENCODE = process.env.ACP_TEST_OPENCODE;
const opencode: AcpAgent = {
  command: ['/opt/acp/bin/opencode', 'acp'],
  directory: OPENCODE,
  provider: 'openai',
  models: ['gpt-4.1'],
  env: {
    OPENCODE_DISABLE_AUTOUPDATE: '1',
    OPENCODE_DISABLE_MODELS_FETCH: '1',
    OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
    OPENCODE_CONFIG_CONTENT: JSON.stringify({
      model: 'gateway/{model}',
      small_model: 'gateway/{model}',
      share: 'disabled',
      permission: { edit: 'ask', bash: 'ask', webfetch: 'deny' },
      provider: {
        gateway: {
          npm: '@ai-sdk/openai-compatible',
          options: { baseURL: '{env:OPENAI_BASE_URL}', apiKey: '{env:OPENAI_API_KEY}' },
          models: { '{model}': {} },
        },
      },
    }),
  },
};

export const ACP_AGENTS: Readonly<Record<string, AcpAgent>> = {
  claude,
  gemini,
  ...(OPENCODE === undefined ? {} : { opencode }),
};
