import type { Route } from '../phases.ts'
import type { Plan } from '../plan.ts'
import { renderRouteError } from './error-pages.ts'

const nothing: Route = {
  name: 'none',
  identify: null,
  admit: null,
  bodyLimit: -1,
  inspect: null,
  reserve: null,
  codeName: (code) => code,
  renderError: renderRouteError,
  renderStreamError: null,
  settle: null,
}

/** A plan that serves nothing, for a gateway whose first plan is being compiled. */
export const EMPTY_PLAN: Plan = { version: 0, paths: new Map(), prefixes: [], fallback: nothing }
