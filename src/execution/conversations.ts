/** What was said in executions, kept as long as they are, so that another one can go on from there. */
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { Injectable } from '@nestjs/common';
import type { Principal } from '../access/principal.js';
import { AgentEngines } from '../agents/engines/agent-engines.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { Database, type Queryable } from '../persistence/database.js';
import type { Execution } from './execution.js';
import { isEnd } from './execution-state.js';
import { ExecutionStore } from './execution-store.js';

const pack = promisify(gzip);
const unpack = promisify(gunzip);

@Injectable()
export class Conversations {
  constructor(
    private readonly store: ExecutionStore,
    private readonly database: Database,
    private readonly engines: AgentEngines,
  ) {}

  /**
   * Checks that the execution may go on from the one it names, if it names one.
   * @returns it, carried out by the engine whose conversation it is unless the request names another one that can go on there
   * @throws ClaudeCodeError E009 (as for one that does not exist), E003 (of another workspace), E010 (nothing to go on from)
   */
  async goingOn(execution: Execution, principal: Principal): Promise<Execution> {
    const { continues, userId, projectId } = execution;
    if (continues === undefined) return execution;
    const earlier = await this.store.findFor(principal, continues, { field: 'options.continue' });
    if (earlier.userId !== userId || earlier.projectId !== projectId) {
      const problem = 'is an execution of another project: a conversation stays in its workspace';
      throw new ClaudeCodeError('E003', `options.continue ${problem}`, {
        details: [{ field: 'options.continue', problem }],
      });
    }
    if (!isEnd(earlier.status)) throw closed('it has not ended');
    if (earlier.status !== 'succeeded') throw closed('it did not succeed');
    if (!(await this.isKept(continues))) throw closed(NOT_KEPT);
    const engine = this.engineFor(execution, earlier);
    return { ...execution, engine, model: this.modelFor(execution, engine) };
  }

  /** What the execution goes on from, if it does. @throws ClaudeCodeError E010 when it is not kept any more */
  async before({ continues }: Execution): Promise<Buffer | undefined> {
    if (continues === undefined) return undefined;
    const row = await this.database
      .selectFrom('conversations')
      .select('body')
      .where('executionId', '=', continues)
      .executeTakeFirst();
    if (row === undefined) throw closed(NOT_KEPT);
    return unpack(Buffer.from(row.body, 'base64'));
  }

  /** For `keep`: packs it in a thread of its own. */
  async pack(conversation: Buffer): Promise<string> {
    return (await pack(conversation)).toString('base64');
  }

  async keep(db: Queryable, executionId: string, packed: string): Promise<void> {
    await db.insertInto('conversations').values({ executionId, body: packed }).execute();
  }

  /** @throws ClaudeCodeError E003 when the request names one that cannot, E012 when the earlier one's is not configured now */
  private engineFor({ request, engine }: Execution, earlier: Execution): string {
    const asked = request.options?.engine ?? undefined;
    if (asked === undefined) return this.engines.get(earlier.engine).name;
    if (this.engines.get(engine).goesOnFrom(earlier.engine)) return engine;
    const problem = `must be ${earlier.engine}, whose conversation it is`;
    throw new ClaudeCodeError('E003', `options.engine ${problem}`, {
      details: [{ field: 'options.engine', problem }],
    });
  }

  /** The model that it names or has by default, of that engine. @throws ClaudeCodeError E003 when the engine has none such */
  private modelFor({ request }: Execution, engine: string): string {
    const found = this.engines.get(engine);
    const model = request.options?.model ?? this.engines.defaultModelFor(request.action, found);
    if (found.models.includes(model)) return model;
    const problem = `must be one of ${found.models.join(', ')}`;
    throw new ClaudeCodeError('E003', `options.model ${problem}`, {
      details: [{ field: 'options.model', problem }],
    });
  }

  private async isKept(executionId: string): Promise<boolean> {
    const row = await this.database
      .selectFrom('conversations')
      .select('executionId')
      .where('executionId', '=', executionId)
      .executeTakeFirst();
    return row !== undefined;
  }
}

const NOT_KEPT = 'its conversation is not kept, or was larger than CONVERSATION_MAX_BYTES';

const closed = (why: string) =>
  new ClaudeCodeError('E010', `The execution cannot be continued: ${why}.`, {
    details: { field: 'options.continue' },
  });
