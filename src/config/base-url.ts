/** What is wrong with `text` as the base URL of a provider, or null. Never repeats the text, which may hold a secret. */
export function baseUrlFault(text: string): string | null {
  const url = URL.parse(text)
  if (url === null || !/^https?:\/\//i.test(text)) return 'expected a URL that starts with https:// or http://'
  if (url.username !== '' || url.password !== '') return 'must not hold credentials; use `api_key` or `headers`'
  if (url.search !== '' || url.hash !== '') return 'must not hold a query or a fragment'
  return null
}
