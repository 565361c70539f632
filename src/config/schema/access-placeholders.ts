/** What may stand in braces in a line of the access log, beside `header.<name>`. */
export const ACCESS_PLACEHOLDERS = [
  'attempts',
  'bytes_in',
  'bytes_out',
  'client_address',
  'client_certificate',
  'client_fingerprint',
  'client_request_id',
  'error_code',
  'first_byte_ms',
  'host',
  'id',
  'key_id',
  'method',
  'outcome',
  'path',
  'protocol',
  'query',
  'route',
  'status',
  'time',
  'time_common',
  'time_iso',
  'total_ms',
  'trace_id',
  'upstream',
  'uri',
  'worker',
] as const
export type AccessPlaceholder = (typeof ACCESS_PLACEHOLDERS)[number]

/** A placeholder: its name, and the header's behind `header.`. */
export const ACCESS_PLACEHOLDER = /\{([a-z][a-z_]*)(?:\.([a-z0-9-]{1,64}))?\}/g
