import type { UpstreamDialect } from '../dialects/dialect.ts'
import { AwsEventReader } from './aws-event-reader.ts'
import { LineReader } from './line-reader.ts'
import { SseReader } from './sse-reader.ts'
import type { WireReader } from './wire-reader.ts'

/** A reader for one stream of a framing. */
export function wireReader(framing: UpstreamDialect['framing']): WireReader {
  switch (framing) {
    case 'sse':
      return new SseReader()
    case 'ndjson':
      return new LineReader()
    case 'aws-event-stream':
      return new AwsEventReader()
  }
}
