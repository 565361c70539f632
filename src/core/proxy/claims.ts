/**
 * What proxies say of clients and requests in headers that are not the gateway's own, and what servers behind them believe:
 * addresses, certificates, users, the path that was asked for. Only a trusted proxy may say it.
 */
const CLAIMS = new Set([
  'cf-connecting-ip',
  'cf-connecting-ipv6',
  'client-cert',
  'client-cert-chain',
  'client-ip',
  'fastly-client-ip',
  'true-client-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-forwarded',
  'x-real-port',
  'x-remote-addr',
  'x-remote-ip',
  'x-remote-user',
  'x-rewrite-url',
])
/** Families of them: each proxy has members of its own, such as `x-forwarded-client-cert` and `x-forwarded-user`. */
const FAMILIES = /^(?:x-(?:forwarded-|original-|envoy-|ssl-|client-cert)|ssl-client-)/

/** True for a header (name in lower case) that a stranger must not pass on to a server. */
export function isClaim(name: string): boolean {
  return CLAIMS.has(name) || FAMILIES.test(name)
}
