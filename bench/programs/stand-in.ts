/** The one stand-in for the Messages API: the product's own rehearsal model, in a process of its own. */
import type * as Rehearsal from '../../src/model-gateway/rehearsal/rehearsal-model.js';
import { built } from '../support/paths.ts';

const { RehearsalModel } = await built<typeof Rehearsal>('model-gateway/rehearsal/rehearsal-model.js');
process.send?.(await new RehearsalModel().start());
