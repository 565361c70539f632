import type { AnswerHeaders, DispatchController, ResponseHandler, Transport, UpstreamRequest } from '../phases.ts'
import type { Target } from './contract.ts'
import { MAX_PROBE_BODY_BYTES, type ProbeOutcome } from './expectation.ts'
import type { Probe } from './health.ts'

/** Probes over connections of their own: a server whose connections are all in use is not a dead one. */
export function httpProbe(transportOf: (target: Target) => Transport, request: UpstreamRequest): Probe {
  return async (target, signal) =>
    await new Promise<ProbeOutcome>((resolve) => {
      const collector = new Collector(resolve)
      signal.addEventListener('abort', () => collector.abort(), { once: true })
      const taken = transportOf(target).dispatch(request, collector)
      if (!taken) resolve({ kind: 'failure', reason: 'all connections are busy' })
    })
}

/** Collects the start of one answer; what is behind it is not waited for. */
class Collector implements ResponseHandler {
  readonly #resolve: (outcome: ProbeOutcome) => void
  readonly #chunks: Buffer[] = []
  #bytes = 0
  #status = 0
  #controller: DispatchController | null = null
  #aborted = false
  /** Given by a pool with the dispatch: the connection is returned by its end. */
  lease: { release(): void } | null = null

  constructor(resolve: (outcome: ProbeOutcome) => void) {
    this.#resolve = resolve
  }

  /** A pool forgets a waiting request that is done. */
  get done(): boolean {
    return this.#aborted
  }

  abort(): void {
    this.#aborted = true
    this.#controller?.abort(new Error('the check was given up'))
  }

  onRequestStart(controller: DispatchController): void {
    this.#controller = controller
    if (this.#aborted) controller.abort(new Error('the check was given up'))
  }

  onResponseStart(_controller: DispatchController, status: number, _headers: AnswerHeaders): void {
    this.#status = status
  }

  onResponseData(controller: DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes < MAX_PROBE_BODY_BYTES) return
    this.#answer()
    controller.abort(new Error('the check has seen enough'))
  }

  onResponseEnd(): void {
    this.lease?.release()
    this.#answer()
  }

  onResponseError(_controller: DispatchController, error: Error): void {
    this.lease?.release()
    this.#resolve({ kind: 'failure', reason: error.message })
  }

  #answer(): void {
    this.#resolve({ kind: 'answer', status: this.#status, body: Buffer.concat(this.#chunks) })
  }
}
