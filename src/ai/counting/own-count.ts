import type { Transport, Upstream } from '../../core/index.ts'

const NO_CONTROLLER = { pause: () => undefined, resume: () => undefined, abort: () => undefined }

/** Gives back what it is asked, as an answer: what the gateway counted itself takes the road of any other answer. */
const echo: Transport = {
  dispatch({ body }, handler) {
    // In a turn of its own, as every transport does.
    setImmediate(() => {
      handler.onRequestStart(NO_CONTROLLER, null)
      handler.onResponseStart(NO_CONTROLLER, 200, { 'content-type': 'application/json' })
      if (body !== null) handler.onResponseData(NO_CONTROLLER, body)
      handler.onResponseEnd(NO_CONTROLLER, null)
    })
    return true
  },
  close: async () => undefined,
}

const SECOND_MS = 1_000

/** The gateway, where it counts in place of a vendor that cannot. */
export const OWN_COUNT: Upstream = {
  name: 'ferro',
  origin: 'own:',
  transport: echo,
  timeouts: {
    connectMs: SECOND_MS,
    firstByteMs: SECOND_MS,
    firstByteStreamMs: SECOND_MS,
    idleMs: SECOND_MS,
    totalMs: Number.MAX_SAFE_INTEGER,
  },
}
