//! What differs between two profiles, in words.

use super::{Profile, Requirement};

/// The differences from `old` to `new`, one sentence each, in the order of the new profile.
/// Empty when the two ask the same.
pub fn difference(old: &Profile, new: &Profile) -> Vec<String> {
    let mut said = Vec::new();
    if old.id != new.id {
        said.push(format!("the profile is {} instead of {}", new.id, old.id));
    }
    if old.version != new.version {
        said.push(format!("version {} instead of {}", new.version, old.version));
    }
    for pillar in &new.pillars {
        match old.pillar(&pillar.id) {
            None => said.push(format!("pillar {} is new: {}", pillar.id, pillar.title)),
            Some(before) if before.title != pillar.title => {
                said.push(format!("pillar {} is titled \"{}\" instead of \"{}\"", pillar.id, pillar.title, before.title))
            }
            Some(_) => {}
        }
    }
    said.extend(old.pillars.iter().filter(|p| new.pillar(&p.id).is_none()).map(|p| format!("pillar {} is gone", p.id)));
    for (name, parameter) in &new.parameters {
        match old.parameters.get(name) {
            None => said.push(format!("parameter {name} is new: {} ({})", parameter.value, parameter.meaning)),
            Some(before) if before.value != parameter.value => {
                said.push(format!("parameter {name} is {} instead of {} ({})", parameter.value, before.value, parameter.meaning));
            }
            Some(before)
                if (before.minimum, before.maximum, before.direction, &before.allowed)
                    != (parameter.minimum, parameter.maximum, parameter.direction, &parameter.allowed) =>
            {
                said.push(format!("parameter {name} leaves a region another range"));
            }
            Some(_) => {}
        }
    }
    said.extend(old.parameters.keys().filter(|name| !new.parameters.contains_key(*name)).map(|name| format!("parameter {name} is gone")));
    for requirement in &new.requirements {
        match old.requirement(&requirement.text.id) {
            None => said.push(format!(
                "{} is new ({}, tier {}): {}",
                requirement.text.id,
                requirement.text.level.as_str(),
                requirement.text.tier,
                requirement.text.title
            )),
            Some(before) => {
                said.extend(requirement_difference(before, requirement).into_iter().map(|d| format!("{}: {d}", requirement.text.id)))
            }
        }
    }
    said.extend(
        old.requirements
            .iter()
            .filter(|r| new.requirement(&r.text.id).is_none())
            .map(|r| format!("{} is gone: {}", r.text.id, r.text.title)),
    );
    said
}

fn requirement_difference(old: &Requirement, new: &Requirement) -> Vec<String> {
    let (before, after) = (&old.text, &new.text);
    let mut said = Vec::new();
    if before.level != after.level {
        said.push(format!("{} instead of {}", after.level.as_str(), before.level.as_str()));
    }
    if before.tier != after.tier {
        said.push(format!("counts from tier {} instead of {}", after.tier, before.tier));
    }
    if before.dormant != after.dormant {
        said.push(if after.dormant { "is dormant now".into() } else { "is switched on".into() });
    }
    if before.pillar != after.pillar {
        said.push(format!("belongs to {} instead of {}", after.pillar, before.pillar));
    }
    if before.applies != after.applies {
        let shown = |applies: &Option<String>| applies.clone().unwrap_or_else(|| "always".into());
        said.push(format!("applies when `{}` instead of `{}`", shown(&after.applies), shown(&before.applies)));
    }
    if before.statement != after.statement {
        said.push(format!("says \"{}\" instead of \"{}\"", after.statement, before.statement));
    }
    if before.life != after.life {
        said.push("has other life-cycle dates".into());
    }
    if before.freedom != after.freedom {
        said.push("leaves a region another freedom".into());
    }
    let plain = |r: &Requirement| r.written.to_value(&mut String::new(), &mut Vec::new());
    if plain(old) != plain(new) {
        said.push("is tested differently".into());
    }
    let words = |r: &super::RequirementText| (r.title.clone(), r.why.clone(), r.remedy.clone(), r.limits.clone(), r.legal_basis.clone());
    if words(before) != words(after) || before.sources != after.sources {
        said.push("has other explanations or sources".into());
    }
    said
}
