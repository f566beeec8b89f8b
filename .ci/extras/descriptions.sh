#!/bin/sh
# Descriptions, side by side with the linters Spectral and Redocly (npm), in one run: time, memory and seeded
# defects found, on the same files. Fails only when Probity misses a defect, finds one in the base, or is not fast.
# PROBITY names the program; without it the release build is used. The other linters run with PEERS=1 only: they
# take minutes. Nothing but the npm registry is reached.
set -eu
cd "$(dirname "$0")/../.."
probity=${PROBITY:-target/release/probity}
skip() { echo "skipped: descriptions, because $1"; exit 0; }
[ -x "$probity" ] || probity=target/debug/probity
[ -x "$probity" ] || skip "there is no build of probity"
command -v npm >/dev/null || skip "npm is not here"
[ -x /usr/bin/time ] || skip "/usr/bin/time is not here"
probity=$(realpath "$probity")
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cp src/api/sample/description.yaml "$place/base.yaml"
cd "$place"
timeout 300 npm install --silent --no-audit --no-fund --ignore-scripts yaml@2 ${PEERS:+@stoplight/spectral-cli@6 @redocly/cli@2} >/dev/null 2>&1 ||
  skip "npm could not install what is needed"
timeout 300 npm install --silent --no-audit --no-fund --ignore-scripts @octokit/openapi@23 >/dev/null 2>&1 || true
echo 'extends: ["spectral:oas", "spectral:asyncapi"]' > .spectral.yaml
printf 'extends: [recommended]\n' > redocly.yaml
cat > compare.mjs <<'JS'
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync, existsSync, statSync } from 'node:fs';
import YAML from 'yaml';
const [probity] = process.argv.slice(2);
const base = YAML.parse(readFileSync('base.yaml', 'utf8'));
const at = (doc, path) => path.split('/').slice(1).reduce((o, k) => o[k.replaceAll('~1', '/').replaceAll('~0', '~')], doc);
const put = (path, value) => (doc) => {
  const cut = path.lastIndexOf('/');
  const parent = at(doc, path.slice(0, cut)), key = path.slice(cut + 1).replaceAll('~1', '/').replaceAll('~0', '~');
  if (value === undefined) { if (Array.isArray(parent)) parent.splice(+key, 1); else delete parent[key]; }
  else if (Array.isArray(parent) && key === '-') parent.push(value);
  else parent[key] = value;
};
// One defect each; the last word tells whether it is an error or bad style.
const mutants = [
  ['operation id twice', put('/paths/~1status/get/operationId', 'listResidents')],
  ['reference to nothing', put('/paths/~1status/get/responses/429/$ref', '#/components/responses/Nothing')],
  ['no answers', put('/paths/~1status/get/responses', undefined)],
  ['answer without description', put('/paths/~1status/get/responses/200/description', undefined)],
  ['example of another type', put('/paths/~1status/get/responses/200/content/application~1json/example/status', 7)],
  ['example not listed', put('/paths/~1status/get/responses/200/content/application~1json/example/status', 'down')],
  ['example of a body misses a part', put('/paths/~1residents/post/requestBody/content/application~1json/example/name', undefined)],
  ['default out of bounds', put('/paths/~1residents/get/parameters/0/schema/default', 500)],
  ['required name that does not exist', put('/components/schemas/Status/required/-', 'statu')],
  ['path parameter not declared', put('/paths/~1alarms~1{alarmId}/parameters', [])],
  ['path parameter not in the path', put('/paths/~1alarms~1{alarmId}/parameters/0/name', 'alarm')],
  ['parameter twice', put('/paths/~1alarms/get/parameters/-', { name: 'limit', in: 'query', description: 'x', schema: { type: 'integer' } })],
  ['same path but for names', put('/paths/~1residents~1{other}', { get: { operationId: 'x', summary: 'x', tags: ['alarms'], parameters: [{ name: 'other', in: 'path', required: true, description: 'x', schema: { type: 'string' } }], responses: { 200: { description: 'x' }, 400: { description: 'x' } } } })],
  ['unknown field', put('/paths/~1status/get/respones', {})],
  ['field of another type', put('/paths/~1status/get/tags', 'service')],
  ['schema of an unknown type', put('/components/schemas/Status/properties/version/type', 'text')],
  ['keyword of another type', put('/components/schemas/Status/properties/version/maxLength', '20')],
  ['bounds the wrong way round', put('/components/schemas/ResidentToBe/properties/name/minLength', 100)],
  ['security scheme not defined', put('/paths/~1alarms/get/security', [{ key: [] }])],
  ['enumeration with a value twice', put('/components/schemas/LivingSituation/enum/-', 'alone')],
  ['link to no operation', put('/paths/~1alarms/post/responses/201/links/alarm/operationId', 'readNothing')],
  ['link with an unknown parameter', put('/paths/~1alarms/post/responses/201/links/alarm/parameters', { id: '$response.body#/id' })],
  ['unused component', put('/components/schemas/Idle', { type: 'boolean' })],
  ['server without TLS', put('/servers/-', { url: 'http://telecare.test/v1', description: 'x' })],
  ['server variable not declared', put('/servers/-', { url: 'https://{region}.telecare.test/v1', description: 'x' })],
  ['no licence', put('/info/license', undefined)],
  ['no contact', put('/info/contact', undefined)],
  ['version that is no semantic version', put('/info/version', 'one')],
  ['deprecated without notice', put('/paths/~1alarms/get/deprecated', true)],
  ['error that is no problem document', put('/components/responses/NotFound/content', { 'application/json': { schema: { $ref: '#/components/schemas/Problem' } } })],
  ['success without schema', put('/paths/~1status/get/responses/200/content/application~1json/schema', undefined)],
  ['401 not described', put('/paths/~1alarms/get/responses/401', undefined)],
  ['body for 204', put('/paths/~1alarms~1{alarmId}/delete/responses/204/content', { 'application/json': { schema: { type: 'boolean' } } })],
  ['credential in the address', put('/components/securitySchemes/token', { type: 'apiKey', in: 'query', name: 'token', description: 'x' })],
  ['media type that is none', put('/paths/~1residents~1{residentId}/put/requestBody/content', { json: { schema: { $ref: '#/components/schemas/ResidentToBe' } } })],
];
const run = (command, args) => {
  const done = spawnSync('/usr/bin/time', ['-f', '%U %S %M', command, ...args], { encoding: 'utf8', maxBuffer: 1 << 30, timeout: 240_000 });
  const [user, system, memory] = (done.stderr ?? '').trim().split('\n').at(-1).split(' ').map(Number);
  return { out: done.stdout ?? '', status: done.status, cpu: user + system, mib: memory / 1024 };
};
const json = (text) => { try { return JSON.parse(text.slice(text.search(/[[{]/))); } catch { return null; } };
const tools = {
  probity: (file) => run(probity, ['check', '--format', 'api-description', '--report', 'json', file]),
  spectral: (file) => run('node_modules/.bin/spectral', ['lint', '-f', 'json', '--quiet', file]),
  redocly: (file) => run('node_modules/.bin/redocly', ['lint', '--format=json', '--max-problems=100000', file]),
};
if (!process.env.PEERS) { delete tools.spectral; delete tools.redocly; }
// What a tool says, without places, so that two documents can be compared.
const said = {
  probity: (r) => (json(r.out)?.files ?? json(r.out) ?? []).flatMap((f) => f.findings ?? []).map((f) => `${f.rule} ${f.path}`),
  spectral: (r) => (json(r.out) ?? []).map((f) => `${f.code} ${f.path.join('/')}`),
  redocly: (r) => (json(r.out)?.problems ?? []).map((f) => `${f.ruleId} ${f.location?.[0]?.pointer ?? ''}`),
};
writeFileSync('base.json', JSON.stringify(base, null, 1));
const clean = {}, found = {}, cpu = {}, mib = {};
for (const tool of Object.keys(tools)) {
  const done = tools[tool]('base.json');
  clean[tool] = new Set(said[tool](done)); found[tool] = 0; cpu[tool] = 0; mib[tool] = 0;
}
console.log(`in the base, which is sound: ${Object.entries(clean).map(([t, s]) => `${t} ${s.size}`).join(', ')}`);
const rows = [];
for (const [name, edit] of mutants) {
  const document = structuredClone(base);
  edit(document);
  writeFileSync('mutant.json', JSON.stringify(document, null, 1));
  const row = [name];
  for (const tool of Object.keys(tools)) {
    const done = tools[tool]('mutant.json');
    const more = said[tool](done).filter((s) => !clean[tool].has(s));
    cpu[tool] += done.cpu; mib[tool] = Math.max(mib[tool], done.mib);
    if (more.length) found[tool] += 1;
    row.push(more.length ? 'found' : '-');
  }
  rows.push(row);
}
console.log(`| defect | ${Object.keys(tools).join(' | ')} |\n|---|${'---|'.repeat(Object.keys(tools).length)}`);
for (const row of rows) console.log(`| ${row.join(' | ')} |`);
console.log(`| **found of ${mutants.length}** | ${Object.keys(tools).map((t) => found[t]).join(' | ')} |`);
console.log(`| CPU seconds for each file | ${Object.keys(tools).map((t) => (cpu[t] / mutants.length).toFixed(2)).join(' | ')} |`);
console.log(`| memory, MiB | ${Object.keys(tools).map((t) => mib[t].toFixed(0)).join(' | ')} |`);
let wrong = found.probity < mutants.length || clean.probity.size > 0;
const large = 'node_modules/@octokit/openapi/generated/api.github.com.json';
if (existsSync(large)) {
  console.log(`\n${(statSync(large).size / 1e6).toFixed(1)} MB, @octokit/openapi:`);
  for (const tool of Object.keys(tools)) {
    const done = tools[tool](large);
    console.log(`| ${tool} | ${done.cpu.toFixed(1)} s CPU | ${done.mib.toFixed(0)} MiB | ${done.status === null ? 'did not finish in 4 minutes' : `${said[tool](done).length} findings told`} |`);
    wrong ||= tool === 'probity' && probity.includes('release') && (done.cpu > 4 || done.mib > 300);
  }
}
process.exit(wrong ? 1 : 0);
JS
node compare.mjs "$probity"
