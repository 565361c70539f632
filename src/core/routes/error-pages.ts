import type { GatewayError } from '../errors.ts'
import type { Exchange } from '../exchange.ts'
import { statusText } from '../http1/answer-text.ts'
import type { RenderedError } from '../phases.ts'

/** An error of a route that has no dialect of its own: a page for browsers, else a problem document (RFC 9457). */
export function renderRouteError(x: Exchange, error: GatewayError): RenderedError {
  const title = statusText(error.status)
  const accept = x.head.get('accept') ?? ''
  if (accept.includes('text/html')) {
    const page = `<!doctype html><meta charset="utf-8"><title>${error.status} ${title}</title><h1>${error.status} ${title}</h1><p>${escapeHtml(error.message)}</p><p>Request ${x.id}</p>\n`
    return { body: Buffer.from(page), contentType: 'text/html; charset=utf-8', hints: 'none' }
  }
  const problem = { title, status: error.status, code: error.code, detail: error.message, request_id: x.id }
  return { body: Buffer.from(`${JSON.stringify(problem)}\n`), contentType: 'application/problem+json', hints: 'none' }
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
