/** Whether a manifest is one that Kubernetes takes: against the schemas of its API, with no field that they do not know. */
import { Ajv } from 'ajv';
import { DaemonSet } from 'kubernetes-models/apps/v1/DaemonSet';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler';
import { Job } from 'kubernetes-models/batch/v1/Job';
import { Ingress } from 'kubernetes-models/networking.k8s.io/v1/Ingress';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { PersistentVolumeClaim } from 'kubernetes-models/v1/PersistentVolumeClaim';
import { Service } from 'kubernetes-models/v1/Service';
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount';
import type { Manifest } from './chart.js';
import { CUSTOM_RESOURCES } from './custom-resources.js';

interface ModelClass {
  apiVersion: string;
  kind: string;
  prototype: { validate(): void };
}

const MODELS: ModelClass[] = [
  ConfigMap,
  DaemonSet,
  Deployment,
  HorizontalPodAutoscaler,
  Ingress,
  Job,
  NetworkPolicy,
  PersistentVolumeClaim,
  PodDisruptionBudget,
  Service,
  ServiceAccount,
];

const ajv = new Ajv({ allErrors: true });

/** What is wrong with it; empty when nothing is. */
export function problemsOf(manifest: Manifest): string[] {
  const { apiVersion, kind } = manifest;
  const schema = CUSTOM_RESOURCES[`${apiVersion}/${kind}`];
  if (schema !== undefined)
    return ajv.validate(schema, manifest)
      ? []
      : (ajv.errors ?? []).map((it) => `${it.instancePath} ${it.message} ${JSON.stringify(it.params)}`);
  const model = MODELS.find((it) => it.apiVersion === apiVersion && it.kind === kind);
  if (model === undefined) return [`no schema for ${apiVersion}/${kind}`];
  const { watched, neverRead } = watch(manifest);
  try {
    // Not on a new model: its constructor copies, and so reads, everything.
    model.prototype.validate.call(watched);
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
  return neverRead().map((path) => `${path} is no field of the API`);
}

/**
 * The validators of kubernetes-models pass over fields that are not in the schema, as a typing error would be. They read
 * each field that is: so the ones that validation has never read are unknown.
 */
function watch(root: object): { watched: object; neverRead: () => string[] } {
  const unread = new Set<string>();
  const wrap = (value: object, path: string): object => {
    for (const key of Object.keys(value)) unread.add(`${path}.${key}`);
    const children = new Map<string | symbol, object>();
    return new Proxy(value, {
      get(target, key) {
        const child: unknown = Reflect.get(target, key);
        if (typeof key === 'string') unread.delete(`${path}.${key}`);
        if (typeof child !== 'object' || child === null) return child;
        let wrapped = children.get(key);
        if (wrapped === undefined) children.set(key, (wrapped = wrap(child, `${path}.${String(key)}`)));
        return wrapped;
      },
    });
  };
  const watched = wrap(root, '');
  return { watched, neverRead: () => [...unread].map((path) => path.slice(1)) };
}
