import type { PolicyConfig } from '../../config/index.ts'
import { compileGlobs, type GlobSet } from '../../lib/index.ts'
import { allowedBy, deniedBy } from '../model-lists.ts'
import { type Conditions, compileConditions } from './conditions.ts'
import { compileTest, type ParameterTest } from './parameter-test.ts'

/** What a policy allows or denies; null for what it says nothing of. */
export interface Lists {
  readonly models: GlobSet | null
  readonly providers: GlobSet | null
  readonly targetTags: GlobSet | null
  readonly tools: GlobSet | null
  readonly routes: GlobSet | null
  readonly parameters: readonly ParameterTest[] | null
}

/** One policy, compiled. */
export interface Rule {
  readonly id: string
  /** What clients are told beside its name; empty: nothing. */
  readonly message: string
  readonly match: Conditions
  readonly except: Conditions | null
  readonly allow: Lists
  readonly deny: Lists
  readonly deniesAll: boolean
}

type ListsConfig = NonNullable<PolicyConfig['allow']>

const NOTHING: ListsConfig = {}

/** Compiles one policy of the configuration. */
export function compileRule({ id, match, except, allow = NOTHING, deny = NOTHING, message = '' }: PolicyConfig): Rule {
  return {
    id,
    message,
    match: compileConditions(match),
    except: except === undefined ? null : compileConditions(except),
    allow: compileLists(allow, (patterns) => allowedBy(patterns)),
    deny: compileLists(deny === 'all' ? NOTHING : deny, deniedBy),
    deniesAll: deny === 'all',
  }
}

function compileLists(
  { models, providers, target_tags, tools, routes, parameters }: ListsConfig,
  compile: (patterns: readonly string[]) => GlobSet | null,
): Lists {
  const list = (patterns: readonly string[] | undefined) => (patterns === undefined ? null : compile(patterns))
  return {
    models: list(models),
    providers: list(providers),
    targetTags: list(target_tags),
    tools: list(tools),
    // Names of ours, which nobody spells otherwise.
    routes: routes === undefined ? null : compileGlobs(routes),
    parameters:
      parameters === undefined ? null : Object.entries(parameters).map(([name, test]) => compileTest(name, test)),
  }
}
