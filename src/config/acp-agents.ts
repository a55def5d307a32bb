/** The setting ACP_AGENTS: agents that speak the Agent Client Protocol, by name, each an engine `acp:<name>`. */
import { z } from 'zod';

/** Whose wire format an agent speaks to its model, and whose key the model gateway puts in. */
export const PROVIDERS = ['anthropic', 'openai', 'gemini'] as const;
export type Provider = (typeof PROVIDERS)[number];

const agent = z.strictObject({
  /** Program and arguments inside the sandbox; `{model}` in any of them is the model of the task. */
  command: z.tuple([z.string().min(1)], z.string()),
  /** Absolute host path of what was installed of it, shown read-only at /opt/acp. */
  directory: z.string().startsWith('/').optional(),
  provider: z.enum(PROVIDERS),
  /** The models that it may ask for, of which requests may name any; the first is its default. */
  models: z.tuple([z.string().min(1)], z.string().min(1)),
  /** One of the modes that it offers, set in each session: one in which it asks for permission, where it has any. */
  mode: z.string().min(1).optional(),
  /** Added to its environment; `{model}` as in the command. Nothing secret: whatever runs in the sandbox can read it. */
  env: z.record(z.string().regex(/^[A-Za-z_]\w*$/), z.string()).default({}),
});

const NAME = /^[a-z][a-z0-9-]{0,39}$/;

const agents = z.record(z.string(), agent);

export type AcpAgent = z.infer<typeof agent>;

/** JSON of name → agent. */
export const acpAgents = z.string().transform((text, context): ReadonlyMap<string, AcpAgent> => {
  const { data = {}, error } = agents.safeParse(parseJson(text));
  for (const { path, message } of error?.issues ?? [])
    context.addIssue(
      path.length === 0 ? 'must be a JSON object of agents by name' : `${path.join('.')}: ${message}`,
    );
  for (const name of Object.keys(data))
    if (!NAME.test(name)) context.addIssue(`"${name}" is no name: small letters, digits and hyphens`);
  return new Map(Object.entries(data));
});

/** The name of the engine that such an agent is. */
export const engineName = (agentName: string): string => `acp:${agentName}`;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
