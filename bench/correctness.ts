import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { chatAnswer, chatRequest, contentEvents, streamAnswer, streamRequest, virtualKey } from './payload.ts'
import type { Variant } from './variants.ts'

const probes = 20

/**
 * Asks a variant a few times and compares every answer with the upstream's; a gateway must also refuse a stranger,
 * log every request and count. Throws where something differs: the load generator reads no bodies, so a variant
 * that answers quickly and wrongly would otherwise win.
 */
export const checkAnswers = async (variant: Variant, stream: boolean): Promise<void> => {
  try {
    for (let probe = 0; probe < probes; probe += 1) {
      const answer = await post(variant.url, stream ? streamRequest : chatRequest, virtualKey)
      strictEqual(answer.status, 200, answer.body)
      if (stream) checkStream(answer.body)
      else deepStrictEqual(JSON.parse(answer.body), JSON.parse(chatAnswer))
    }
    if (variant.governed !== null) await checkGovernance(variant, variant.governed)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`${variant.name} does not answer as it should: ${reason}`, { cause: error })
  }
}

const checkStream = (body: string): void => {
  const expected = streamAnswer()
  const received = body
    .split('\n\n')
    .filter((event) => event.startsWith('data:'))
    .map((event) => event.slice('data:'.length).trim())
  // The client did not ask for usage: a gateway that asked for its own sake hides that event and the field again.
  const contentOf = (data: string | undefined): unknown =>
    // Any JSON value has or has not this member; only its presence is looked at.
    (JSON.parse(data ?? 'null') as { choices?: unknown } | null)?.choices
  for (let index = 0; index <= contentEvents; index += 1) {
    deepStrictEqual(contentOf(received[index]), contentOf(expected[index]), `event ${index}`)
  }
  strictEqual(received.at(-1), '[DONE]')
  ok(received.length >= expected.length - 1, `${received.length} events`)
}

const checkGovernance = async (variant: Variant, governed: NonNullable<Variant['governed']>): Promise<void> => {
  const refused = await post(variant.url, chatRequest, 'fk-unknown')
  strictEqual(refused.status, 401, 'an unknown key is refused')
  const deadline = performance.now() + 5000
  while (countLines(governed.files.accessLog) < probes) {
    ok(performance.now() < deadline, `${probes} requests are in the access log within five seconds`)
    await delay(50)
  }
  const metrics = await (await fetch(`${governed.controlUrl}/metrics`)).text()
  ok(metrics.includes('ferro_'), 'the control listener serves metrics')
}

const countLines = (path: string): number =>
  existsSync(path) ? readFileSync(path, 'latin1').split('\n').length - 1 : 0

/** One POST on a connection of its own. */
export const post = (
  url: string,
  body: string,
  key: string,
): Promise<{ readonly status: number; readonly body: string }> =>
  new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      authorization: `Bearer ${key}`,
    }
    const sent = request(url, { method: 'POST', agent: false, headers, timeout: 10_000 }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString('utf8') }),
      )
    })
    sent.on('timeout', () => sent.destroy(new Error(`no answer from ${url} within ten seconds`)))
    sent.on('error', reject)
    sent.end(body)
  })
