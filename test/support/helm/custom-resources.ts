/** The shape of the resources that are not Kubernetes' own, as far as the chart uses them: every other field is an error. */
import type { SchemaObject } from 'ajv';

const text = { type: 'string' };
const texts = { type: 'object', additionalProperties: text };
const exactly = (properties: Record<string, SchemaObject>, ...optional: string[]): SchemaObject => ({
  type: 'object',
  additionalProperties: false,
  required: Object.keys(properties).filter((it) => !optional.includes(it)),
  properties,
});
const resource = (spec: SchemaObject) =>
  exactly({
    apiVersion: text,
    kind: text,
    metadata: exactly({ name: text, labels: texts, annotations: texts }, 'annotations'),
    spec,
  });

/** By `apiVersion/kind`. */
export const CUSTOM_RESOURCES: Record<string, SchemaObject> = {
  // prometheus-operator.dev/docs/api-reference/api
  'monitoring.coreos.com/v1/ServiceMonitor': resource(
    exactly({
      selector: exactly({ matchLabels: texts }),
      endpoints: {
        type: 'array',
        minItems: 1,
        items: exactly(
          {
            port: text,
            path: text,
            interval: { type: 'string', pattern: '^[0-9]+(ms|s|m)$' },
            authorization: exactly({ credentials: exactly({ name: text, key: text }) }),
            relabelings: {
              type: 'array',
              items: exactly(
                {
                  action: { enum: ['replace'] },
                  targetLabel: text,
                  replacement: text,
                  sourceLabels: { type: 'array', items: text },
                },
                'replacement',
                'sourceLabels',
              ),
            },
          },
          'authorization',
        ),
      },
    }),
  ),
  'monitoring.coreos.com/v1/PrometheusRule': resource(
    exactly({
      groups: {
        type: 'array',
        items: exactly({
          name: text,
          rules: {
            type: 'array',
            items: exactly(
              {
                alert: { type: 'string', pattern: '^[A-Z][A-Za-z]+$' },
                expr: text,
                for: { type: 'string', pattern: '^[0-9]+m$' },
                labels: exactly({ severity: { enum: ['info', 'warning', 'critical'] } }),
                annotations: exactly({ summary: text, runbook_url: text }),
              },
              'for',
            ),
          },
        }),
      },
    }),
  ),
  // keda.sh/docs/latest/reference/scaledobject-spec, and its Prometheus trigger: all metadata are strings
  'keda.sh/v1alpha1/ScaledObject': resource(
    exactly({
      scaleTargetRef: exactly({ name: text }),
      minReplicaCount: { type: 'integer', minimum: 0 },
      maxReplicaCount: { type: 'integer', minimum: 1 },
      cooldownPeriod: { type: 'integer' },
      advanced: exactly({ horizontalPodAutoscalerConfig: exactly({ behavior: { type: 'object' } }) }),
      fallback: exactly({ failureThreshold: { type: 'integer' }, replicas: { type: 'integer' } }),
      triggers: {
        type: 'array',
        items: exactly({
          type: { const: 'prometheus' },
          metadata: exactly({
            serverAddress: text,
            query: text,
            threshold: { type: 'string', pattern: '^[0-9]+$' },
            ignoreNullValues: { enum: ['true', 'false'] },
          }),
        }),
      },
    }),
  ),
};
