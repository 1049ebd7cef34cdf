'use strict'
// Shows /openapi.json. Everything is built from text nodes: nothing of the document is ever read as HTML.
const METHODS = ['get', 'post', 'put', 'patch', 'delete']
let spec

const make = (name, properties, ...children) => {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(properties || {})) {
    if (value === undefined || value === null) continue
    if (key === 'on') element.addEventListener(...value)
    else if (key === 'class') element.className = value
    else element.setAttribute(key, value)
  }
  for (const child of children.flat(9)) {
    if (child === undefined || child === null || child === false) continue
    element.append(child.nodeType ? child : document.createTextNode(String(child)))
  }
  return element
}

const resolve = (value) => {
  for (let hops = 0; value && value.$ref && hops < 20; hops++) {
    value = value.$ref.slice(2).split('/').reduce((at, key) => at && at[key.replace(/~1/g, '/').replace(/~0/g, '~')], spec)
  }
  return value || {}
}

// `code`, **bold**, [links](…), lists, tables and paragraphs of the descriptions.
const inline = (text) => String(text).split(/(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\([^)\s]+\))/).map((part) => {
  if (/^`[^`]+`$/.test(part)) return make('code', {}, part.slice(1, -1))
  if (/^\*\*[^*]+\*\*$/.test(part)) return make('strong', {}, part.slice(2, -2))
  const link = /^\[([^\]]+)\]\(((?:https?:\/\/|\/|#)[^)\s]+)\)$/.exec(part)
  return link ? make('a', { href: link[2] }, link[1]) : part
})

const prose = (text) => String(text || '').split(/\n{2,}/).filter(Boolean).map((block) => {
  const lines = block.split('\n').filter(Boolean)
  if (lines.every((line) => line.startsWith('- '))) return make('ul', {}, lines.map((line) => make('li', {}, inline(line.slice(2)))))
  if (lines.length > 1 && lines.every((line) => line.startsWith('|'))) {
    const rows = lines.filter((line) => !/^\|[\s|:-]+\|$/.test(line)).map((line) => line.slice(1, -1).split('|').map((cell) => cell.trim()))
    return make('div', { class: 'scroll' }, make('table', {}, rows.map((cells, at) => make('tr', {}, cells.map((cell) => make(at ? 'td' : 'th', {}, inline(cell)))))))
  }
  return make('p', {}, inline(lines.join(' ')))
})

const typeOf = (schema) => {
  if (!schema) return 'any'
  if (schema.$ref) return schema.$ref.split('/').pop()
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  const variants = schema.oneOf || schema.anyOf
  if (variants) return variants.map(typeOf).join(' | ')
  if (schema.allOf) return schema.allOf.map(typeOf).join(' & ')
  const type = Array.isArray(schema.type) ? schema.type.join(' | ') : schema.type
  if (type && type.startsWith('array')) return `${typeOf(schema.items)}[]`
  return [type || (schema.properties ? 'object' : 'any'), schema.format && `(${schema.format})`].filter(Boolean).join(' ')
}

const facts = (schema) => {
  const known = { minimum: '≥', maximum: '≤', minLength: 'length ≥', maxLength: 'length ≤', pattern: 'pattern', default: 'default' }
  const list = Object.entries(known).filter(([key]) => schema[key] !== undefined).map(([key, text]) => [`${text} `, make('code', {}, JSON.stringify(schema[key])), ' '])
  if (schema.enum && schema.enum.length <= 30) list.push(['one of ', schema.enum.map((value) => [make('code', {}, JSON.stringify(value)), ' '])])
  return list
}

// The members of a schema; what lies deeper opens on demand, so that schemas may contain themselves.
const schemaTree = (given) => {
  const schema = resolve(given)
  const parts = schema.allOf || schema.oneOf || schema.anyOf
  if (parts) return make('div', {}, parts.filter((part) => typeOf(part) !== 'null').map((part, at) => [
    schema.allOf || !at ? null : make('p', { class: 'dim' }, 'or'), schemaTree(part)]))
  if (schema.items) return schemaTree(schema.items)
  const properties = Object.entries(schema.properties || {})
  const more = schema.additionalProperties
  if (more && typeof more === 'object') properties.push(['…', more])
  if (!properties.length) return make('p', {}, make('span', { class: 'type' }, typeOf(schema)), ' ', facts(schema))
  const required = new Set(schema.required || [])
  return make('ul', { class: 'schema' }, properties.map(([name, property]) => {
    const target = resolve(property)
    const head = [make('code', {}, name), ' ', make('span', { class: 'type' }, typeOf(property)), required.has(name) ? make('span', { class: 'required' }, ' required') : null]
    const deep = JSON.stringify(target).match(/"(properties|\$ref|allOf|oneOf)"/)
    const text = make('div', { class: 'dim' }, inline((property.description || target.description || '').split('\n')[0]), ' ', facts(target))
    if (!deep) return make('li', {}, head, text)
    const details = make('details', { on: ['toggle', () => details.open && details.childElementCount < 2 && details.append(schemaTree(property))] }, make('summary', {}, head))
    return make('li', {}, details, text)
  }))
}

// A value of the schema, for the body of the curl line.
const sample = (given, depth = 0) => {
  const schema = resolve(given)
  if (schema.example !== undefined) return schema.example
  if (schema.examples && schema.examples.length) return schema.examples[0]
  if (schema.default !== undefined) return schema.default
  if (schema.const !== undefined) return schema.const
  if (schema.enum) return schema.enum[0]
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((part) => sample(part, depth)))
  const variants = (schema.oneOf || schema.anyOf || []).filter((part) => resolve(part).type !== 'null')
  if (variants.length) return sample(variants[0], depth)
  const type = [].concat(schema.type || (schema.properties ? 'object' : 'string')).find((name) => name !== 'null')
  if (type === 'object') {
    if (depth > 3) return {}
    const required = schema.required || []
    const names = Object.keys(schema.properties || {}).filter((name) => !required.length || required.includes(name))
    return Object.fromEntries(names.map((name) => [name, sample(schema.properties[name], depth + 1)]))
  }
  if (type === 'array') return depth > 3 ? [] : [sample(schema.items, depth + 1)]
  return { integer: 1, number: 1, boolean: true }[type] ?? (schema.format === 'date-time' ? '2026-01-15T10:30:00.000Z' : 'text')
}

const quoted = (text) => `'${text.replace(/'/g, "'\\''")}'`

const curl = (path, method, operation, parameters) => {
  const query = parameters.filter((p) => p.in === 'query' && p.required).map((p) => `${p.name}=${encodeURIComponent(sample(p.schema))}`)
  const url = spec.servers[0].url + path + (query.length ? `?${query.join('&')}` : '')
  const lines = [`curl${method === 'get' ? '' : ` -X ${method.toUpperCase()}`} ${quoted(url)}`]
  const schemes = Object.keys((operation.security || [{}])[0] || {})
  if (schemes.includes('apiKey')) lines.push('-H "X-API-Key: $BKEND_KEY"')
  if (schemes.includes('accessToken') || schemes.includes('oauth')) lines.push('-H "Authorization: Bearer $ACCESS_TOKEN"')
  if (schemes.includes('session') || schemes.includes('personalAccessToken')) lines.push('-H "Authorization: Bearer $BKEND_TOKEN"')
  const content = resolve(operation.requestBody).content || {}
  if (content['application/json']) {
    lines.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(content['application/json'].example ?? sample(content['application/json'].schema), null, 2))}`)
  } else if (Object.keys(content).length) {
    lines.push(`-H 'Content-Type: ${Object.keys(content)[0]}'`, '--data-binary @file')
  }
  return lines.join(' \\\n  ')
}

const code = (text) => {
  const button = make('button', { class: 'copy', type: 'button', on: ['click', async () => {
    try {
      await navigator.clipboard.writeText(text)
      button.textContent = 'Copied'
    } catch {
      button.textContent = 'Press Ctrl+C'
      getSelection().selectAllChildren(body)
    }
    setTimeout(() => { button.textContent = 'Copy' }, 1500)
  }] }, 'Copy')
  const body = make('code', {}, text)
  return make('pre', { tabindex: 0 }, button, body)
}

const contents = (content) => Object.entries(content || {}).map(([type, media]) => [make('p', { class: 'dim' }, type, media.schema ? `  ${typeOf(media.schema)}` : ''), media.schema ? schemaTree(media.schema) : null])

const parameterTable = (parameters) => make('div', { class: 'scroll' }, make('table', {}, make('tr', {}, ['Name', 'In', 'Type', 'Meaning'].map((text) => make('th', { scope: 'col' }, text))), parameters.map((p) => make('tr', {},
  make('td', {}, make('code', {}, p.name), p.required ? make('span', { class: 'required' }, ' required') : null), make('td', {}, p.in), make('td', { class: 'type' }, typeOf(p.schema)),
  make('td', {}, inline(p.description || ''), ' ', facts(resolve(p.schema)))))))

const answers = (responses) => Object.entries(responses || {}).map(([status, given]) => {
  const answer = resolve(given)
  const [first] = (answer.description || '').split('\n')
  return make('details', { open: status.startsWith('2') ? '' : null }, make('summary', {}, make('strong', {}, status), ' ', status.startsWith('2') ? inline(first) : make('span', { class: 'dim' }, 'error')),
    status.startsWith('2') ? null : prose(answer.description), contents(answer.content))
})

const fill = (body, path, method, item, operation) => {
  const parameters = [...(item.parameters || []), ...(operation.parameters || [])].map(resolve)
  const request = resolve(operation.requestBody)
  const ways = (operation.security || []).map((way) => Object.keys(way).join(' + ') || 'nothing').join(', or ')
  body.append(...[
    prose(operation.description),
    make('p', { class: 'dim' }, `Credentials: ${ways || 'nothing'}`),
    parameters.length ? [make('h4', {}, 'Parameters'), parameterTable(parameters)] : [],
    request.content ? [make('h4', {}, 'Body'), prose(request.description), contents(request.content)] : [],
    make('h4', {}, 'Example'), code(curl(path, method, operation, parameters)),
    make('h4', {}, 'Answers'), answers(operation.responses)].flat(9))
}

const operations = () => Object.entries(spec.paths).flatMap(([path, item]) => METHODS.filter((method) => item[method]).map((method) => {
  const operation = item[method]
  const text = `${method} ${path} ${operation.summary || ''} ${operation.description || ''} ${operation.operationId}`.toLowerCase()
  return { path, method, item, operation, text, tag: (operation.tags || ['server'])[0], id: operation.operationId }
}))

const card = (entry) => {
  const body = make('div', {})
  const article = make('article', { id: entry.id }, make('h3', {}, make('span', { class: `method ${entry.method}` }, entry.method), make('a', { href: `#${entry.id}` }, entry.path)),
    make('div', {}, entry.operation.summary ? make('p', {}, inline(entry.operation.summary)) : null, body))
  // Hundreds of operations at once would be slow: each is filled when it comes near the window.
  const near = new IntersectionObserver((seen) => {
    if (!seen.some((one) => one.isIntersecting)) return
    near.disconnect()
    fill(body, entry.path, entry.method, entry.item, entry.operation)
  }, { rootMargin: '800px' })
  near.observe(article)
  return article
}

const show = (all) => {
  const main = document.getElementById('main')
  const nav = document.getElementById('nav')
  const groups = spec.tags.map((tag) => {
    const entries = all.filter((entry) => entry.tag === tag.name)
    const links = entries.map((entry) => (entry.link = make('li', {}, make('a', { href: `#${entry.id}`, title: entry.operation.summary }, make('span', { class: `method ${entry.method}` }, entry.method), entry.path))))
    const title = make('h2', {}, tag.name)
    nav.append(title, make('ul', {}, links))
    const section = make('section', { class: 'tag', id: `tag-${tag.name}` }, make('h2', {}, tag.name), prose(tag.description), entries.map((entry) => (entry.card = card(entry))))
    return { entries, title, section }
  })
  const schemas = Object.entries(spec.components.schemas).sort(([a], [b]) => a.localeCompare(b))
  const list = make('section', { class: 'tag', id: 'schemas' }, make('h2', {}, 'Schemas'), schemas.map(([name, schema]) => {
    const details = make('details', { id: `schema-${name}`, on: ['toggle', () => details.open && details.childElementCount < 2 && details.append(make('div', {}, prose(schema.description), schemaTree(schema)))] }, make('summary', {}, make('code', {}, name)))
    return details
  }))
  nav.append(make('h2', {}, make('a', { href: '#schemas' }, 'Schemas')))
  const none = make('p', { role: 'status', hidden: '' }, 'Nothing matches.')
  main.replaceChildren(make('section', {}, prose(spec.info.description)), none, ...groups.map((group) => group.section), list)
  return { groups, list, none }
}

const search = ({ groups, list, none }, text) => {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  let any = false
  for (const { entries, title, section } of groups) {
    let some = false
    for (const entry of entries) {
      const hit = words.every((word) => entry.text.includes(word))
      entry.card.hidden = entry.link.hidden = !hit
      some ||= hit
    }
    title.hidden = section.hidden = !some
    any ||= some
  }
  list.hidden = words.length > 0
  none.hidden = any
}

const start = async () => {
  const main = document.getElementById('main')
  try {
    const answer = await fetch('/openapi.json')
    if (!answer.ok) throw new Error(`/openapi.json answered ${answer.status}`)
    spec = await answer.json()
  } catch (error) {
    main.replaceChildren(make('p', { role: 'alert' }, `The reference could not be loaded: ${error.message}. `, make('a', { href: '/docs' }, 'Try again')))
    return
  }
  const view = show(operations())
  const input = document.getElementById('search')
  input.addEventListener('input', () => search(view, input.value))
  document.addEventListener('keydown', (event) => {
    if (event.key === '/' && document.activeElement !== input && !event.ctrlKey && !event.metaKey) {
      event.preventDefault()
      input.focus()
    }
    if (event.key === 'Escape' && document.activeElement === input) {
      input.value = ''
      search(view, '')
    }
  })
  const wanted = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)))
  if (wanted) wanted.scrollIntoView()
}

start()
