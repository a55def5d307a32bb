/** Which process has a place ready for a workspace, told over Redis; and a wish for one, which any worker may fulfil. */
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { WarmPlaces } from '../../agents/warm-places.js';
import { Membership } from '../../cluster/membership.js';
import { Config } from '../../config/config.js';
import { RedisChannels } from '../../redis/redis-channels.js';
import { RedisConnections } from '../../redis/redis-connections.js';
import { type Workspace, Workspaces } from '../../workspaces/workspace.js';

/** Milliseconds between two announcements. */
const TELL_EVERY = 500;
/** Milliseconds for which one is believed: longer than a busy process pauses. A stale one costs WARM_PREFERENCE_MS, no more. */
const HOLDS = 6 * TELL_EVERY;

const WISH = z.object({ id: z.string(), userId: z.string(), projectId: z.string() });
const WISHES = 'caisson:warm-wish';
/** Milliseconds in which a wish is fulfilled once: longer than a start takes on a machine that is busy. */
const WISH_HOLDS = 15_000;

const keyOf = (workspaceId: string): string => `caisson:warm:${workspaceId}`;

@Injectable()
export class WarmBoard implements OnApplicationBootstrap, OnModuleDestroy {
  /** Whom the others offer what is warm here: for as long as this process runs, also when it is given up for lost meanwhile. */
  readonly self = uuidv7();
  private readonly logger = new Logger('WarmPlaces');
  private timer?: NodeJS.Timeout;

  constructor(
    private readonly connections: RedisConnections,
    private readonly membership: Membership,
    private readonly places: WarmPlaces,
    private readonly workspaces: Workspaces,
    private readonly channels: RedisChannels,
    private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.config.shared || !this.config.works) return;
    this.timer = setInterval(() => void this.tell(), TELL_EVERY);
    // A wish that is missed is a cold start, no more.
    this.channels.listen(WISHES, { heard: (wish) => void this.fulfil(wish), listening: () => undefined });
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  /** For each workspace the process that has it warm, if one has; none while Redis is away. */
  async holders(workspaceIds: readonly string[]): Promise<(string | null)[]> {
    if (workspaceIds.length === 0) return [];
    return this.connections.commands.mget(workspaceIds.map(keyOf));
  }

  /** Asks the workers to keep this workspace warm; the first to take it up, who is the least busy, does. */
  async wish({ id, userId, projectId }: Workspace): Promise<'ready' | 'starting'> {
    const [holder] = await this.holders([id]).catch(() => []);
    this.channels.publish(WISHES, JSON.stringify({ id, userId, projectId }));
    return typeof holder === 'string' ? 'ready' : 'starting';
  }

  private async fulfil(message: string): Promise<void> {
    try {
      const { id, userId, projectId } = WISH.parse(JSON.parse(message));
      const [holder] = await this.holders([id]);
      const isMine = holder === this.self;
      if (typeof holder === 'string' && !isMine) return;
      const key = `${WISHES}:${id}`;
      if (!isMine && (await this.connections.commands.set(key, '1', 'PX', WISH_HOLDS, 'NX')) === null) return;
      const workspace = await this.workspaces.open(userId, projectId);
      this.places.warm(workspace);
      // Its files come meanwhile, where they have to.
      await this.workspaces.reading(workspace, () => Promise.resolve());
    } catch (error) {
      this.logger.warn({ msg: 'a wish for a warm place was not fulfilled', err: error });
    }
  }

  private async tell(): Promise<void> {
    const { commands } = this.connections;
    if (this.membership.id === undefined || commands.status !== 'ready') return;
    const pipeline = commands.pipeline();
    for (const workspaceId of this.places.warmed) pipeline.set(keyOf(workspaceId), this.self, 'PX', HOLDS);
    await pipeline
      .exec()
      .catch((error: unknown) => this.logger.debug({ msg: 'not told what is warm', err: error }));
  }
}
