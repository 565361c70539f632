import type { DispatchController, ResponseHandler, UpstreamRequest } from '../../../core/index.ts'
import type { DemoUpstream } from '../demo-upstream.ts'

/** One exchange as a test sees it. */
export interface RecordedExchange {
  /** Names of the handler's calls, in order. */
  readonly calls: readonly string[]
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Bodies of `onResponseData`, in order. */
  readonly chunks: readonly string[]
  readonly text: string
  /** Null when the answer ended properly. */
  readonly error: Error | null
}

/** What a test does while an exchange runs. */
export interface ExchangeOptions {
  readonly onStart?: (controller: DispatchController) => void
  readonly onHead?: (controller: DispatchController) => void
  readonly onChunk?: (controller: DispatchController, chunk: string) => void
}

/** A request for a chat completion. */
export function chatRequest(body: unknown): UpstreamRequest {
  return {
    method: 'POST',
    path: '/v1/chat/completions',
    headers: ['content-type', 'application/json'],
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  }
}

/** Runs one exchange to its end and gives what happened; used by the tests of this folder. */
export function exchange(
  upstream: DemoUpstream,
  request: UpstreamRequest,
  options: ExchangeOptions = {},
): Promise<RecordedExchange> {
  return new Promise((resolve) => {
    const calls: string[] = []
    const chunks: string[] = []
    let status = 0
    let headers: RecordedExchange['headers'] = {}
    const end = (error: Error | null): void => {
      resolve({ calls, status, headers, chunks, text: chunks.join(''), error })
    }
    const handler: ResponseHandler = {
      onRequestStart(controller) {
        calls.push('start')
        options.onStart?.(controller)
      },
      onResponseStart(controller, found, foundHeaders) {
        calls.push('head')
        status = found
        headers = foundHeaders
        options.onHead?.(controller)
      },
      onResponseData(controller, chunk) {
        calls.push('data')
        chunks.push(chunk.toString())
        options.onChunk?.(controller, chunk.toString())
      },
      onResponseEnd() {
        calls.push('end')
        end(null)
      },
      onResponseError(_controller, error) {
        calls.push('error')
        end(error)
      },
    }
    upstream.dispatch(request, handler)
  })
}
