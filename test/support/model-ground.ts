/** The whole product with an upstream of the test's own, which keeps what reached it. */
import { RehearsalModel } from '../../src/model-gateway/rehearsal/rehearsal-model.js';
import { type Caisson, startCaisson } from './caisson.js';

export interface ModelGround {
  caisson: Caisson;
  model: RehearsalModel;
  key: string;
  clear(): Promise<void>;
}

export async function openModelGround(settings: NodeJS.ProcessEnv = {}): Promise<ModelGround> {
  const model = new RehearsalModel();
  const key = 'sk-key-of-the-upstream';
  const { url } = await model.start();
  const caisson = await startCaisson({ ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: key, ...settings });
  const clear = async () => {
    await caisson.clear();
    await model.stop();
  };
  return { caisson, model, key, clear };
}
