import type { ClientHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'

/** What a stream may hold before it is read: also what an upstream can send within one round trip. */
const STREAM_WINDOW_BYTES = 262_144
const CONNECTION_WINDOW_BYTES = 4_194_304

/** Largest list of headers, unless the operator says otherwise. */
const MAX_LIST_BYTES = 65_535

const LIMITS = {
  maxReservedRemoteStreams: 0,
  maxHeaderListPairs: 200,
  maxSettings: 16,
  // A client may have sent a header twice of which Node thinks that it comes once.
  strictSingleValueFields: false,
} as const

/** HTTP/2 on a connection that the connector has made; `origin` is only told, nothing is connected to. */
export function http2Over(socket: Socket, origin: string, maxListBytes = MAX_LIST_BYTES): ClientHttp2Session {
  // Loaded at the first connection that needs it.
  const { connect } = process.getBuiltinModule('node:http2')
  const settings = { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES, maxHeaderListSize: maxListBytes }
  const session = connect(origin, { ...LIMITS, settings, createConnection: () => socket })
  session.once('connect', () => {
    if (!session.destroyed) session.setLocalWindowSize(CONNECTION_WINDOW_BYTES)
  })
  return session
}
