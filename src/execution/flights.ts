/** Lets identical requests of the same time share one run: the first runs, the others wait for its answer. */
import { Injectable, Logger } from '@nestjs/common';
import type { Answer } from '../cache/answer.js';
import type { Question } from '../cache/questions.js';
import { AnswerRecorder } from './answer-recorder.js';
import { ChangeRecorder } from './change-recorder.js';
import { Config } from '../config/config.js';
import { DomainEvents } from './domain-events.js';
import type { Execution } from './execution.js';
import { answered, ExecutionEnder } from './execution-ender.js';
import { ExecutionQueue } from './execution-queue.js';
import { ExecutionStore } from './execution-store.js';
import { type Waiting, waitingOf } from './waiting.js';

interface Flight {
  workspace: string;
  /** Question and priority: nobody waits for what has a lower one. */
  key: string;
  /** Those who wait, in the order in which they came. */
  followers: Map<string, Waiting>;
}

/**
 * A follower is accepted like any other execution and waits here instead of in the queue, so it takes no place. It is
 * given the answer that its leader's run was kept with. If there is none, each follower runs for itself, as if it had come
 * alone: the queue bounds how many at once, and whoever has its turn later finds what another one has answered meanwhile.
 * When the leader is cancelled the first follower takes its place.
 *
 * In this process, as the queue is: after a restart each of them waits in the queue. Where workers are elsewhere there are no
 * flights: nobody here would hear of a landing.
 */
@Injectable()
export class Flights {
  private readonly logger = new Logger('Cache');
  /** By workspace and question: whom the next one can join. */
  private readonly open = new Map<string, Map<string, Flight>>();
  private readonly byLeader = new Map<string, Flight>();
  private readonly byFollower = new Map<string, Flight>();
  private readonly counts = { interactive: 0, batch: 0 };

  constructor(
    private readonly queue: ExecutionQueue,
    private readonly store: ExecutionStore,
    private readonly answers: AnswerRecorder,
    private readonly changes: ChangeRecorder,
    private readonly ender: ExecutionEnder,
    private readonly config: Config,
    events: DomainEvents,
  ) {
    events.on('execution.settled', ({ data: { execution } }) => this.settled(execution));
  }

  /** How many wait for another one's answer. */
  get waiting(): Readonly<Record<Waiting['priority'], number>> {
    return this.counts;
  }

  /** Lets an accepted execution wait: for its turn, or for the answer of one that came before. */
  enter(execution: Execution, question: Question | undefined): void {
    const waiting = waitingOf(execution);
    const workspace = `${waiting.userId}/${waiting.projectId}`;
    // Whoever asks after one that writes wants to know what comes of it.
    if (waiting.access !== 'read-only') this.open.delete(workspace);
    if (this.config.shared || question?.mode !== 'auto' || question.kind === 'writes')
      return this.queue.offer(waiting);
    const flights = this.open.get(workspace) ?? new Map<string, Flight>();
    const key = `${waiting.priority} ${question.name}`;
    const flight = flights.get(key);
    if (flight === undefined) {
      const begun = { workspace, key, followers: new Map<string, Waiting>() };
      this.open.set(workspace, flights.set(key, begun));
      this.lead(begun, waiting);
    } else {
      flight.followers.set(waiting.executionId, waiting);
      this.byFollower.set(waiting.executionId, flight);
      this.counts[waiting.priority] += 1;
    }
  }

  /**
   * A run is over; resolves when those who waited for it have their answer, or wait for their turn. Never rejects.
   * @param answer what it was kept with, if it was
   */
  async land(executionId: string, answer: Answer | undefined): Promise<void> {
    const flight = this.byLeader.get(executionId);
    if (flight === undefined) return;
    this.byLeader.delete(executionId);
    this.close(flight);
    const followers = [...flight.followers.values()];
    for (const { executionId: id } of followers) this.leave(flight, id);
    if (answer === undefined) for (const follower of followers) this.queue.offer(follower);
    else for (const follower of followers) await this.serve(follower, answer);
  }

  private lead(flight: Flight, waiting: Waiting): void {
    this.byLeader.set(waiting.executionId, flight);
    this.queue.offer(waiting);
  }

  /** Never rejects: whoever cannot be given the answer runs. */
  private async serve(follower: Waiting, answer: Answer): Promise<void> {
    const { executionId } = follower;
    try {
      await this.changes.adopt(executionId, answer);
      const claimed = await this.store.claim(executionId);
      if (claimed === undefined) return; // cancelled meanwhile
      await this.ender.end(claimed, answered(answer));
      await this.answers.hit('shared');
    } catch (error) {
      this.logger.warn({ msg: 'an answer could not be shared', executionId, err: error });
      this.queue.offer(follower);
    }
  }

  private settled({ id, status }: Execution): void {
    const followed = this.byFollower.get(id);
    if (followed !== undefined) this.leave(followed, id);
    const flight = this.byLeader.get(id);
    if (flight === undefined || status !== 'cancelled') return;
    this.byLeader.delete(id);
    const [next] = flight.followers.values();
    if (next === undefined) return this.close(flight);
    this.leave(flight, next.executionId);
    this.lead(flight, next);
  }

  private leave(flight: Flight, executionId: string): void {
    const follower = flight.followers.get(executionId);
    if (follower === undefined) return;
    this.counts[follower.priority] -= 1;
    this.byFollower.delete(executionId);
    flight.followers.delete(executionId);
  }

  /** Nobody joins it any more. */
  private close(flight: Flight): void {
    const flights = this.open.get(flight.workspace);
    if (flights?.get(flight.key) !== flight) return;
    flights.delete(flight.key);
    if (flights.size === 0) this.open.delete(flight.workspace);
  }
}
