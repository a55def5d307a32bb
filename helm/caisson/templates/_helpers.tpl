{{/* Names and labels. */}}
{{- define "caisson.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "caisson.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "caisson.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "caisson.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What never changes, so that a Deployment can be updated. Takes a dict: root, role. */}}
{{- define "caisson.selector" -}}
app.kubernetes.io/name: {{ include "caisson.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end -}}

{{- define "caisson.labels" -}}
{{ include "caisson.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "caisson.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "caisson.claim" -}}
{{ .Values.persistence.existingClaim | default (printf "%s-workspaces" (include "caisson.fullname" .)) }}
{{- end -}}

{{- define "caisson.scaledOut" -}}
{{- if eq .Values.database.kind "postgres" }}true{{ end -}}
{{- end -}}

{{/* Whether the users' files are in a bucket: then there is no volume. */}}
{{- define "caisson.inBucket" -}}
{{- if .Values.objectStorage.url }}true{{ end -}}
{{- end -}}

{{- define "caisson.metricsPublic" -}}
{{- if .Values.monitoring.apiKey.name }}false{{ else }}true{{ end -}}
{{- end -}}

{{/* What cannot work is refused here, in words; values.schema.json looks at each value alone. */}}
{{- define "caisson.check" -}}
{{- $_ := required "secrets.ANTHROPIC_API_KEY.name: name the Secret that holds the model's key" .Values.secrets.ANTHROPIC_API_KEY.name -}}
{{- if include "caisson.scaledOut" . -}}
  {{- range $name := list "DATABASE_URL" "REDIS_URL" -}}
    {{- $_ := required (printf "secrets.%s.name: database.kind is postgres, name the Secret that holds it" $name) (index $.Values.secrets $name).name -}}
  {{- end -}}
  {{- if not (or .Values.persistence.enabled (include "caisson.inBucket" .)) -}}
    {{- fail "persistence.enabled: on postgres the pods share the users' files; a volume (ReadWriteMany) is needed, or objectStorage.url" -}}
  {{- end -}}
  {{- if .Values.networkPolicy.enabled -}}
    {{- range $name := list "database" "redis" -}}
      {{- if not (index $.Values.networkPolicy $name).to -}}
        {{- fail (printf "networkPolicy.%s.to: say where it is (peers of a NetworkPolicy), or nothing could reach it" $name) -}}
      {{- end -}}
    {{- end -}}
  {{- end -}}
{{- else -}}
  {{- if include "caisson.inBucket" . -}}
    {{- fail "objectStorage.url: which version of the files is the right one is in the database; use database.kind: postgres" -}}
  {{- end -}}
  {{- if gt (int .Values.api.replicas) 1 -}}
    {{- fail (printf "api.replicas is %d, but SQLite is a file of one process: use 1, or database.kind: postgres" (int .Values.api.replicas)) -}}
  {{- end -}}
  {{- if .Values.api.autoscaling.enabled -}}
    {{- fail "api.autoscaling: SQLite is a file of one process and cannot be scaled; use database.kind: postgres" -}}
  {{- end -}}
  {{- if or (hasKey .Values.worker "replicas") .Values.worker.autoscaling.enabled -}}
    {{- fail "worker: on SQLite the one pod runs everything and there are no workers; use database.kind: postgres" -}}
  {{- end -}}
{{- end -}}
{{- if and (eq .Values.sandbox.procMount "Unmasked") .Values.sandbox.hostUsers -}}
  {{- fail "sandbox.procMount: Unmasked needs sandbox.hostUsers: false; the API server refuses it otherwise" -}}
{{- end -}}
{{- end -}}
