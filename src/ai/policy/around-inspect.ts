import type { Gate, Route } from '../../core/index.ts'

/** A route, and those that serve paths below it in its place, with something around each `inspect`. */
export function aroundInspect(route: Route, wrap: (inspect: Gate, route: Route) => Gate): Route {
  const { inspect, within } = route
  const wrapped = inspect === null ? route : { ...route, inspect: wrap(inspect, route) }
  if (within === undefined) return wrapped
  const known = new Map<Route, Route>()
  return {
    ...wrapped,
    within: (path) => {
      const found = within(path)
      if (found === null) return null
      const made = known.get(found) ?? aroundInspect(found, wrap)
      known.set(found, made)
      return made
    },
  }
}
