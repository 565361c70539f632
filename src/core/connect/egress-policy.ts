import { isIP } from 'node:net'
import { type Classified, classifyAddress } from './address-class.ts'
import { type Cidr, contains, isSingle, parseCidr } from './ip-address.ts'

/**
 * Who chose the host. `operator`: it stands in the configuration file. `other`: a client, a tenant, a redirect, a
 * document that was fetched.
 */
export type NamedBy = 'operator' | 'other'

/** What is asked of the policy. `host` is in its canonical form: a name, or an address. */
export interface EgressTarget {
  readonly host: string
  readonly port: number
  readonly namedBy: NamedBy
}

/** One rule, as it is configured. All that is given must match; what is absent matches everything. */
export interface EgressRule {
  /** Stands in the log and in metrics. */
  readonly id: string
  readonly action: 'allow' | 'refuse'
  readonly namedBy?: NamedBy
  /** Names, exact or `*.example.com` (any depth, not `example.com` itself). */
  readonly hosts?: readonly string[]
  /** Ranges or single addresses. */
  readonly addresses?: readonly string[]
  /** Ports, or pairs of a first and a last port. */
  readonly ports?: readonly (number | readonly [first: number, last: number])[]
}

export interface Verdict {
  readonly allowed: boolean
  /** The rule that decided: its id, or that of a default. */
  readonly rule: string
}

/** Decides where connections may go. It knows addresses, not resolvers. */
export interface EgressPolicy {
  /** Before the name is resolved: a refusal, or null when the addresses decide. */
  vetHost(target: EgressTarget): Verdict | null
  /** Decides on one address of the target. Throws a TypeError for what is no address. */
  vetAddress(target: EgressTarget, address: string): Verdict
}

/** Where hosts that others named may be reached without a rule. */
const WEB_PORTS: readonly number[] = [80, 443]

/**
 * Names that never belong to the public internet: RFC 6761 (localhost), RFC 6762 (local), RFC 8375 (home.arpa), the
 * top level "internal" that ICANN set aside in 2024. A name without a dot means something only within a network.
 */
const INTERNAL_NAME = /^[^.]+$|(?:^|\.)(?:localhost|local|internal|home\.arpa)$/

/**
 * Prepares a policy: the first rule that matches decides, then the defaults. Throws a TypeError that names the rule and
 * the part which cannot be understood.
 */
export function compileEgressPolicy(rules: readonly EgressRule[] = []): EgressPolicy {
  const compiled = rules.map(compileRule)
  return {
    vetHost(target) {
      for (const rule of compiled) {
        if (!rule.matchesTarget(target)) continue
        // Of a rule with addresses only the addresses can tell; one that allows still leaves metadata to be refused.
        if (rule.cidrs === null && !rule.allow) return { allowed: false, rule: rule.id }
        if (rule.allow) return null
      }
      return target.namedBy === 'operator' ? null : refusalOfHost(target)
    },
    vetAddress(target, address) {
      const classified = classifyAddress(address)
      if (classified === null) throw new TypeError(`Not an address: ${address}`)
      const rule = compiled.find((each) => each.matchesTarget(target) && each.matchesAddress(classified))
      if (rule !== undefined) return { allowed: rule.allow, rule: rule.id }
      if (target.namedBy === 'operator') return defaultForOperator(target, classified)
      return refusalOfHost(target) ?? { allowed: classified.class === 'public', rule: `default:${classified.class}` }
    },
  }
}

/** A name may come to mean a metadata service without the operator's doing; an address cannot. */
function defaultForOperator({ host }: EgressTarget, { class: kind }: Classified): Verdict {
  if (kind !== 'metadata') return { allowed: true, rule: 'operator:named' }
  return isIP(host) === 0 ? { allowed: false, rule: 'operator:metadata' } : { allowed: true, rule: 'operator:address' }
}

function refusalOfHost({ host, port }: EgressTarget): Verdict | null {
  if (!WEB_PORTS.includes(port)) return { allowed: false, rule: 'default:port' }
  if (isIP(host) === 0 && INTERNAL_NAME.test(host)) return { allowed: false, rule: 'default:internal-name' }
  return null
}

interface CompiledRule {
  readonly id: string
  readonly allow: boolean
  readonly cidrs: readonly Cidr[] | null
  matchesTarget(target: EgressTarget): boolean
  matchesAddress(classified: Classified): boolean
}

function compileRule({ id, action, namedBy, hosts, addresses, ports }: EgressRule): CompiledRule {
  const allow = action === 'allow'
  const names = hosts?.map((pattern) => hostMatcher(id, pattern)) ?? null
  const cidrs = addresses?.map((text) => cidrOf(id, text)) ?? null
  const spans = ports?.map((port) => spanOf(id, port)) ?? null
  return {
    id,
    allow,
    cidrs,
    matchesTarget: (target) =>
      (namedBy === undefined || target.namedBy === namedBy) &&
      (names === null || names.some((matches) => matches(target.host))) &&
      (spans === null || spans.some(([first, last]) => target.port >= first && target.port <= last)),
    matchesAddress({ class: kind, address, hidden }) {
      // Neither a name nor a wide range may open a metadata service by the way: only its own address does.
      const deciding = allow && kind === 'metadata' ? (cidrs?.filter(isSingle) ?? []) : cidrs
      if (deciding === null) return true
      return deciding.some((cidr) => contains(cidr, address) || (hidden !== null && contains(cidr, hidden)))
    },
  }
}

function hostMatcher(id: string, pattern: string): (host: string) => boolean {
  const name = pattern.toLowerCase().replace(/\.$/, '')
  const [, suffix] = /^\*(\..+)$/.exec(name) ?? []
  if (name === '' || /[*\s/\\]/.test(suffix ?? name)) {
    throw new TypeError(`Egress rule "${id}": "${pattern}" is no host; write a name, or "*." and a name.`)
  }
  return suffix === undefined ? (host) => host === name : (host) => host.endsWith(suffix) && host !== suffix
}

function cidrOf(id: string, text: string): Cidr {
  const cidr = parseCidr(text)
  if (cidr === null) {
    throw new TypeError(`Egress rule "${id}": "${text}" is no range of addresses; write one like "10.0.0.0/8".`)
  }
  return cidr
}

function spanOf(id: string, port: number | readonly [number, number]): readonly [number, number] {
  const [first, last] = typeof port === 'number' ? [port, port] : port
  if (Number.isInteger(first) && Number.isInteger(last) && first >= 1 && first <= last && last <= 65_535) {
    return [first, last]
  }
  throw new TypeError(`Egress rule "${id}": ${first}-${last} are no ports; they lie between 1 and 65535.`)
}
