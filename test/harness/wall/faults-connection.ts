import { chunksOf, completionOf, composeAnswer, eventOf } from './chat.ts'
import { headOf } from './exchange.ts'
import type { Fault, FaultTable } from './fault.ts'

const hangHead: Fault = (x) => x.untilClosed()

const hangBody: Fault = async (x, body) => {
  await halfAnAnswer(x, body, '')
  await x.untilClosed()
}

const resetMid: Fault = async (x, body) => {
  await halfAnAnswer(x, body, '')
  // An RST may overtake what the other side has not read yet; the pause lets it read.
  await x.pause(20)
  x.reset()
}

const finMid: Fault = async (x, body) => {
  await halfAnAnswer(x, body, '')
  x.end()
}

const halfAnAnswer: Fault = async (x, body) => {
  const answer = composeAnswer(body)
  if (answer.stream) {
    const chunks = chunksOf(answer)
    await x.streamHead()
    for (const chunk of chunks.slice(0, Math.ceil(chunks.length / 2))) await x.chunk(eventOf(chunk))
    return
  }
  const json = JSON.stringify(completionOf(answer, answer.usage))
  await x.write(headOf(200, ['content-type: application/json', `content-length: ${json.length}`]))
  await x.write(json.slice(0, json.length / 2))
}

/** Silence and connections that end at the wrong moment. */
export const connectionFaults: FaultTable = {
  'hang-head': hangHead,
  'hang-body': hangBody,
  /** The head and a first event that says nothing but the role, then silence. */
  'slow-first-token': async (x, body) => {
    const answer = composeAnswer(body)
    if (!answer.stream) return x.untilClosed()
    const [role] = chunksOf(answer)
    await x.streamHead()
    if (role) await x.chunk(eventOf(role))
    await x.untilClosed()
  },
  /** A byte now and then: never silent, never done. */
  trickle: async (x, body) => {
    const answer = composeAnswer(body)
    const text = answer.stream ? eventOf(chunksOf(answer)[0] ?? {}) : JSON.stringify(completionOf(answer, answer.usage))
    if (answer.stream) await x.streamHead()
    else await x.write(headOf(200, ['content-type: application/json', `content-length: ${text.length}`]))
    for (const byte of text) {
      if (x.gone) return
      await (answer.stream ? x.chunk(byte) : x.write(byte))
      await x.pause(150)
    }
    await x.untilClosed()
  },
  'reset-before': (x) => {
    x.reset()
    return Promise.resolve()
  },
  'fin-before': (x) => {
    x.end()
    return Promise.resolve()
  },
  'reset-mid-body': resetMid,
  'reset-mid-stream': resetMid,
  'fin-mid-body': finMid,
  'fin-mid-stream': finMid,
  'half-event': async (x, body) => {
    const [first, second] = chunksOf(composeAnswer(body))
    await x.streamHead()
    if (first) await x.chunk(eventOf(first))
    // Ends inside the second event: what follows must not be glued to it.
    if (second) await x.chunk(eventOf(second).slice(0, 40))
    x.end()
  },
}
