import type { Script } from './script.ts'
import { SCRIPTS } from './script.ts'
import type { Vendor } from './vendor.ts'

/** How an answer goes wrong: the bytes that are sent, and how the connection ends after them. */
export interface BrokenAnswer {
  readonly status: number
  readonly type: string
  readonly pieces: readonly (string | Buffer)[]
  /** `cut`: the connection is reset where more was promised; `end`: the answer ends properly. */
  readonly ending: 'end' | 'cut'
}

const HTML = '<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>'
const TEXT = SCRIPTS['text'] as Script // one of the table's own names

type Fault = (vendor: Vendor, stream: boolean) => BrokenAnswer

function begun(vendor: Vendor): readonly (string | Buffer)[] {
  const pieces = vendor.stream(TEXT)
  return pieces.slice(0, Math.ceil(pieces.length / 2))
}

const typeOf = (vendor: Vendor, stream: boolean) => (stream ? vendor.streamType : 'application/json')

function said(status: number, type: string, ...pieces: readonly (string | Buffer)[]): BrokenAnswer {
  return { status, type, pieces, ending: 'end' }
}

/** Text of a vendor's framing that holds no JSON. */
function garbled(vendor: Vendor): string {
  return vendor.streamType === 'text/event-stream' ? 'data: {"id": nothing\n\n' : '{"id": nothing\n'
}

/** What an upstream may do wrong, by the name that a model asks for it with. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  'bad-json': (vendor, stream) =>
    stream
      ? said(200, vendor.streamType, ...begun(vendor), garbled(vendor))
      : said(200, 'application/json', '{"id":"x", nothing}'),
  'cut-whole': (vendor, stream) => {
    const text = JSON.stringify(vendor.whole(TEXT))
    return stream
      ? said(200, vendor.streamType, ...begun(vendor))
      : said(200, 'application/json', text.slice(0, text.length >> 1))
  },
  reset: (vendor, stream) => {
    const pieces = stream ? begun(vendor) : [JSON.stringify(vendor.whole(TEXT)).slice(0, 40)]
    return { status: 200, type: typeOf(vendor, stream), pieces, ending: 'cut' }
  },
  /** Whole where a stream was asked for, and a stream where it was not: servers in between do so. */
  'other-form': (vendor, stream) =>
    stream
      ? said(200, 'application/json', JSON.stringify(vendor.whole(TEXT)))
      : said(200, vendor.streamType, ...vendor.stream(TEXT)),
  'wrong-type': (vendor) => said(200, 'text/plain', JSON.stringify(vendor.whole(TEXT))),
  html: () => said(200, 'text/html', HTML),
  'html-502': () => said(502, 'text/html', HTML),
  'error-200': (vendor) => said(200, 'application/json', JSON.stringify(vendor.error(500, 'It broke.'))),
  'error-event': (vendor, stream) =>
    stream
      ? said(200, vendor.streamType, ...begun(vendor), ...(vendor.streamError === null ? [] : [vendor.streamError]))
      : said(500, 'application/json', JSON.stringify(vendor.error(500, 'It broke.'))),
  'error-first': (vendor, stream) =>
    stream
      ? said(200, vendor.streamType, ...(vendor.streamError === null ? [] : [vendor.streamError]))
      : said(500, 'application/json', JSON.stringify(vendor.error(500, 'It broke.'))),
  empty: (vendor, stream) => said(200, typeOf(vendor, stream)),
  'refused-400': (vendor) => said(400, 'application/json', JSON.stringify(vendor.error(400, 'Wrong somewhere.'))),
  'refused-401': (vendor) => said(401, 'application/json', JSON.stringify(vendor.error(401, 'Wrong key.'))),
  'limited-429': (vendor) => said(429, 'application/json', JSON.stringify(vendor.error(429, 'Too many.'))),
  'broken-500': (vendor) => said(500, 'application/json', JSON.stringify(vendor.error(500, 'It broke.'))),
}
