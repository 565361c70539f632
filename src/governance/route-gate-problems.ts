import { type DocumentProblem, problemsOf, type RouteConfig } from '../config/index.ts'
import type { Transport } from '../core/index.ts'
import { AuthMemory } from './auth/auth-memory.ts'
import { createBasicAuth } from './auth/basic-auth.ts'
import { createCertificateAuth } from './auth/certificate-auth.ts'
import { createForwardAuth, type ForwardConfig } from './auth/forward-auth.ts'
import { createJwtAuth, type JwtConfig } from './auth/jwt-auth.ts'
import { keySetFileProblems } from './auth/key-set-file.ts'
import { LIMIT_TABLE_CELLS } from './limit-table.ts'
import { createRouteLimits } from './route-limits.ts'

/** Stands for the rest of the program, where only making a gate is of interest. */
function stubs() {
  const transport: Transport = { dispatch: () => false, close: async () => undefined }
  return { memory: new AuthMemory(), connect: () => transport, warn: () => undefined }
}

/**
 * Everything in a route's `auth` and `rate_limits` that only making its gates finds, each with the key that is to blame,
 * relative to the route. Files of key sets are read; nobody is connected to.
 */
export async function routeGateProblems(
  route: Pick<RouteConfig, 'id' | 'auth' | 'rate_limits'>,
): Promise<DocumentProblem[]> {
  const { basic, jwt, certificate, forward } = route.auth ?? {}
  const problems = [
    ...Object.entries(basic?.users ?? {}).flatMap(([name, hash]) =>
      problemsOf(['auth', 'basic', 'users', name], () =>
        createBasicAuth({ realm: '', users: { [name]: hash } }, stubs()),
      ),
    ),
    ...(certificate === undefined ? [] : problemsOf(['auth', 'certificate'], () => createCertificateAuth(certificate))),
    ...(jwt === undefined ? [] : await keySetProblems(jwt)),
    ...(forward === undefined ? [] : forwardProblems(forward)),
    ...limitProblems(route),
  ]
  return problems.map(({ path, message }) => ({ path, message: message.replace(KEY_IN_FRONT, '') }))
}

/** Who reads a message without its place needs the name of the key in it. */
const KEY_IN_FRONT = /^(?:auth|rate_limits)[\w.[\]]*: /

async function keySetProblems(jwt: JwtConfig): Promise<DocumentProblem[]> {
  const { jwks_file: file } = jwt
  const path = ['auth', 'jwt', file === undefined ? 'jwks_url' : 'jwks_file']
  const found = problemsOf(path, () => createJwtAuth(jwt, stubs()))
  return found.length > 0 || file === undefined ? found : await keySetFileProblems(file, path)
}

function forwardProblems(forward: ForwardConfig): DocumentProblem[] {
  const one = (differences: Partial<ForwardConfig>) => () =>
    createForwardAuth({ ...forward, send: [], copy: [], ...differences }, stubs())
  const url = problemsOf(['auth', 'forward', 'url'], one({}))
  if (url.length > 0) return url
  return (['send', 'copy'] as const).flatMap((list) =>
    forward[list].flatMap((name, at) => problemsOf(['auth', 'forward', list, at], one({ [list]: [name] }))),
  )
}

function limitProblems(route: Pick<RouteConfig, 'id' | 'auth' | 'rate_limits'>): DocumentProblem[] {
  if (route.rate_limits.length === 0) return []
  const counters = new BigInt64Array(new SharedArrayBuffer(LIMIT_TABLE_CELLS * BigInt64Array.BYTES_PER_ELEMENT))
  return route.rate_limits.flatMap((limit, at) =>
    problemsOf(['rate_limits', at, 'by'], () =>
      createRouteLimits({ ...route, rate_limits: [limit] }, { counters, indexOf: () => 0 }),
    ),
  )
}
