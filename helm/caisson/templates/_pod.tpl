{{/* The pod of every role. Takes a dict: root, role (api, worker, migration) and of (the role's values). */}}
{{- define "caisson.pod" -}}
{{- $values := .root.Values -}}
{{- $serves := ne .role "migration" -}}
{{- $scaledOut := include "caisson.scaledOut" .root -}}
{{- $inBucket := include "caisson.inBucket" .root -}}
serviceAccountName: {{ ternary (include "caisson.fullname" .root) "default" $serves }}
# The server never talks to Kubernetes.
automountServiceAccountToken: false
# Or Kubernetes would put the addresses of Services into the environment, under names that look like settings.
enableServiceLinks: false
{{- with $values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- if $serves }}
hostUsers: {{ $values.sandbox.hostUsers }}
terminationGracePeriodSeconds: {{ add .of.shutdownGrace 10 }}
{{- else }}
restartPolicy: Never
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  # Not at every start: a volume of a million files would take minutes.
  fsGroupChangePolicy: OnRootMismatch
containers:
  - name: {{ $serves | ternary "caisson" "migrate" }}
    image: {{ include "caisson.image" .root }}
    imagePullPolicy: {{ $values.image.pullPolicy }}
    {{- if not $serves }}
    args: [node, dist/main.js, migrate]
    {{- end }}
    env: {{- include "caisson.env" . | trim | nindent 6 }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities: { drop: [ALL] }
      {{- if $serves }}
      procMount: {{ $values.sandbox.procMount }}
      seccompProfile:
        type: {{ $values.sandbox.seccompProfile.type }}
        {{- if eq $values.sandbox.seccompProfile.type "Localhost" }}
        localhostProfile: {{ $values.sandbox.seccompProfile.localhostProfile }}
        {{- end }}
      {{- with $values.sandbox.appArmorProfile }}
      appArmorProfile: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- else }}
      seccompProfile: { type: RuntimeDefault }
      {{- end }}
    resources: {{- toYaml .of.resources | nindent 6 }}
    {{- if $serves }}
    ports:
      - { name: http, containerPort: 3000 }
    # The database is open; a start with migrations may take a while (up to a minute here).
    startupProbe:
      httpGet: { path: /health/startup, port: http }
      periodSeconds: 2
      failureThreshold: 30
      timeoutSeconds: 3
    # The process answers: a restart mends nothing else, least of all a database or a model that is away.
    livenessProbe:
      httpGet: { path: /health/live, port: http }
      periodSeconds: 10
      timeoutSeconds: 5
    readinessProbe:
      httpGet: { path: /health/ready, port: http }
      periodSeconds: 5
      timeoutSeconds: 3
    lifecycle:
      # Until every proxy has heard that this pod goes, calls still come.
      preStop: { sleep: { seconds: 5 } }
    {{- end }}
    volumeMounts:
      - { name: secrets, mountPath: /run/secrets/caisson, readOnly: true }
      - { name: tmp, mountPath: /tmp }
      - { name: data, mountPath: /var/lib/caisson }
      {{- if and $scaledOut $serves (not $inBucket) }}
      - { name: workspaces, mountPath: /srv/workspaces }
      {{- end }}
volumes:
  - name: secrets
    projected:
      defaultMode: 0440
      sources: {{- include "caisson.secretSources" . | trim | nindent 8 }}
  - name: tmp
    emptyDir: { sizeLimit: {{ $values.scratch.sizeLimit }} }
  - name: data
    {{- if and (not $scaledOut) $values.persistence.enabled }}
    persistentVolumeClaim: { claimName: {{ include "caisson.claim" .root }} }
    {{- else }}
    emptyDir: { sizeLimit: {{ and $serves (eq $inBucket "true") | ternary $values.objectStorage.copiesSize $values.scratch.sizeLimit }} }
    {{- end }}
  {{- if and $scaledOut $serves (not $inBucket) }}
  - name: workspaces
    persistentVolumeClaim: { claimName: {{ include "caisson.claim" .root }} }
  {{- end }}
{{- if $serves }}
{{- if $values.topologySpread.enabled }}
topologySpreadConstraints:
  {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: {{ $values.topologySpread.whenUnsatisfiable }}
    labelSelector:
      matchLabels: {{- include "caisson.selector" $ | nindent 8 }}
    # Pods of one version among themselves, so that an update does not lean to one side.
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end }}
{{- with .of.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .of.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .of.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Settings as the environment, sorted; the chart's own win, and the schema refuses them among the others. */}}
{{- define "caisson.env" -}}
{{- $values := .root.Values -}}
{{- $own := dict "PORT" "3000" "HOST" "0.0.0.0" "CAISSON_DATA" "/var/lib/caisson" "METRICS_PUBLIC" (include "caisson.metricsPublic" .root) -}}
{{- $_ := set $own "CAISSON_ROLE" "all" -}}
{{- with .of.shutdownGrace -}}
  {{- $_ := set $own "SHUTDOWN_GRACE" (int . | toString) -}}
{{- end -}}
{{- if include "caisson.scaledOut" .root -}}
  {{- $_ := set $own "CAISSON_ROLE" (eq .role "worker" | ternary "worker" "api") -}}
  {{- if include "caisson.inBucket" .root -}}
    {{- $_ := set $own "WORKSPACE_STORAGE" $values.objectStorage.url -}}
    {{- range $name, $value := dict "S3_ENDPOINT" $values.objectStorage.endpoint "S3_REGION" $values.objectStorage.region -}}
      {{- if $value }}{{ $_ := set $own $name $value }}{{ end -}}
    {{- end -}}
  {{- else -}}
    {{- $_ := set $own "WORKSPACE_STORAGE" "shared" -}}
    {{- $_ := set $own "CLAUDE_CODE_WORKSPACE" "/srv/workspaces" -}}
  {{- end -}}
{{- end -}}
{{- $settings := mergeOverwrite (deepCopy $values.config) (.of.config | default dict | deepCopy) $own -}}
{{- range $name := keys $settings | sortAlpha }}
- { name: {{ $name }}, value: {{ index $settings $name | toString | quote }} }
{{- end }}
{{- range $name := include "caisson.secretNames" . | splitList "," }}
- { name: {{ $name }}_FILE, value: /run/secrets/caisson/{{ $name }} }
{{- end }}
{{- end -}}

{{/* Which secrets a role is given: those that are referred to; none but the api needs the first admin key. */}}
{{- define "caisson.secretNames" -}}
{{- $names := list -}}
{{- range $name, $ref := .root.Values.secrets -}}
  {{- if and $ref.name (or (eq $.role "api") (ne $name "BOOTSTRAP_API_KEY")) -}}
    {{- $names = append $names $name -}}
  {{- end -}}
{{- end -}}
{{- join "," $names -}}
{{- end -}}

{{- define "caisson.secretSources" -}}
{{- range $name := include "caisson.secretNames" . | splitList "," }}
{{- $ref := index $.root.Values.secrets $name }}
- secret:
    name: {{ $ref.name }}
    items: [{ key: {{ $ref.key }}, path: {{ $name }} }]
{{- end }}
{{- end -}}
