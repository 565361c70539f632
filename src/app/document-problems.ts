import { type ConfigDocument, type DocumentProblem, problemsOf, within } from '../config/index.ts'
import { compileEgressPolicy, routeProblems } from '../core/index.ts'
import { identityProblems, routeGateProblems } from '../governance/index.ts'
import { createCounters, SlotAllocator } from '../lib/index.ts'
import { egressRules } from './egress-rules.ts'
import { MAX_KEYS } from './memory.ts'
import { slotNeeds } from './route-slots.ts'
import { seatsFor } from './seats.ts'
import { tlsProblems } from './tls-problems.ts'
import { workerCount } from './worker-count.ts'

/** Everything that would keep data workers from compiling a valid document, all at once. Nothing is started. */
export async function documentProblems(document: ConfigDocument): Promise<DocumentProblem[]> {
  const gates = await Promise.all(
    document.routes.map(async (route, index) => within(['routes', index], await routeGateProblems(route))),
  )
  return [
    ...(await routeProblems(document.routes)),
    ...gates.flat(),
    ...(await identityProblems(document.identity)),
    ...tlsProblems(document),
    ...egressProblems(document),
    ...(await slotProblems(document)),
  ]
}

function egressProblems(document: Pick<ConfigDocument, 'egress'>): DocumentProblem[] {
  return egressRules(document).flatMap(({ hosts = [], addresses = [], ...rule }, index) =>
    within(
      ['egress', 'rules', index],
      [
        ...hosts.flatMap((host, at) =>
          problemsOf(['hosts', at], () => compileEgressPolicy([{ ...rule, hosts: [host] }])),
        ),
        ...addresses.flatMap((address, at) =>
          problemsOf(['addresses', at], () => compileEgressPolicy([{ ...rule, addresses: [address] }])),
        ),
        ...problemsOf([], () => compileEgressPolicy([rule])),
      ],
    ),
  )
}

/** What routes, pools and keys need of the memory that workers share, as a start takes it. */
async function slotProblems(document: ConfigDocument): Promise<DocumentProblem[]> {
  const counters = new BigInt64Array(createCounters())
  const slots = new SlotAllocator(counters)
  const { upstreams, routes, keys, providers, models } = document
  const seats = seatsFor(workerCount(document))
  const take = (part: Parameters<typeof slotNeeds>[0]) => () => {
    for (const { name, cells } of slotNeeds(part, seats)) slots.allocate(name, cells)
  }
  const none = { upstreams: {}, routes: [], providers: {}, models: {} }
  const lacking = problemsOf(['upstreams'], take({ ...none, upstreams }))
  if (lacking.length === 0) lacking.push(...problemsOf(['routes'], take({ ...none, upstreams, routes })))
  if (lacking.length === 0) {
    lacking.push(...problemsOf(['models'], take({ upstreams, routes, providers, models })))
  }
  if (lacking.length > 0 || keys.length === 0) return lacking
  const { KeyRegistry } = await import('./key-registry.ts')
  const { Levels } = await import('./levels.ts')
  const registry = new KeyRegistry({
    counters,
    generations: new Int32Array(MAX_KEYS),
    slots,
    spent: () => 0,
    seats,
    publish: () => undefined,
  })
  return problemsOf(['keys'], () => registry.replaceFileKeys(keys, new Levels(document)))
}
