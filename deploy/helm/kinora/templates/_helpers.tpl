{{/* Names, labels, and what follows from several values. */}}

{{- define "kinora.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 40 characters, so that every name made from it stays below 63. */}}
{{- define "kinora.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "kinora.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "kinora.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "kinora.selector" -}}
app.kubernetes.io/name: {{ include "kinora.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "kinora.labels" -}}
{{ include "kinora.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: kinora
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "kinora.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* Roles that have pods, separated by spaces: nobody logs in where KINORA_AUTH is none. */}}
{{- define "kinora.roles" -}}
web {{ if ne (dig "KINORA_AUTH" "accounts" .Values.settings) "none" }}auth {{ end }}worker camera
{{- end -}}

{{- define "kinora.host" -}}
{{- required "url is needed for ingress and httpRoute: the address that people open, such as https://videos.example.org" .Values.url | replace "https://" "" | replace "http://" "" | splitList ":" | first -}}
{{- end -}}

{{/* The Secret and its key that hold the database's address. */}}
{{- define "kinora.databaseSecret" -}}
{{- $ways := 0 -}}
{{- if .Values.database.existingSecret -}}{{- $ways = add1 $ways -}}{{- end -}}
{{- if .Values.database.url -}}{{- $ways = add1 $ways -}}{{- end -}}
{{- if .Values.database.bundled.enabled -}}{{- $ways = add1 $ways -}}{{- end -}}
{{- if ne (int $ways) 1 -}}
{{- fail "say where the database is, in exactly one way: database.existingSecret (a Secret with its address), database.url, or database.bundled.enabled to try things out" -}}
{{- end -}}
{{- if .Values.database.existingSecret -}}
name: {{ .Values.database.existingSecret }}
key: {{ .Values.database.existingSecretKey }}
{{- else if .Values.database.url -}}
name: {{ include "kinora.fullname" . }}-database
key: url
{{- else -}}
name: {{ include "kinora.fullname" . }}-mongodb
key: url
{{- end -}}
{{- end -}}

{{- define "kinora.serviceSecret" -}}
{{- .Values.serviceSecret.existingSecret | default (printf "%s-service" (include "kinora.fullname" .)) -}}
{{- end -}}

{{/* Of a pod and of its containers: what the Pod Security profile `restricted` asks for, and a read-only file system. */}}
{{- define "kinora.podSecurity" -}}
runAsNonRoot: true
{{- with .user }}
runAsUser: {{ int . }}
runAsGroup: {{ int . }}
fsGroup: {{ int . }}
fsGroupChangePolicy: OnRootMismatch
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "kinora.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* A value of Secret `name` that is made once: what the cluster has, else new. Takes root, name, key, length. */}}
{{- define "kinora.kept" -}}
{{- $there := lookup "v1" "Secret" .root.Release.Namespace .name -}}
{{- $value := dig "data" .key "" ($there | default dict) -}}
{{- if $value -}}{{- $value | b64dec -}}{{- else -}}{{- randAlphaNum (int .length) -}}{{- end -}}
{{- end -}}

{{/* Settings may be texts, whole numbers (1e+06 is what a number would become by itself) or true and false. */}}
{{- define "kinora.text" -}}
{{- if kindIs "float64" . -}}{{- int64 . -}}{{- else -}}{{- . -}}{{- end -}}
{{- end -}}
