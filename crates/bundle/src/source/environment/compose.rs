//! `env_file` as docker compose reads it (compose-spec/compose-go, `dotenv/`), as far as [`super::write`] uses it.
//!
//! Version 1 of compose, and `docker run --env-file`, take everything behind the `=` verbatim, quotes included (m#16895); version 2 knows
//! quotes and looks up `$NAME`. What both read the same is written without quotes.

/// What the text sets; none where it isn't written as this program writes it.
pub fn read(text: &str) -> Option<Vec<(String, String)>> {
    let mut variables = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if rest.starts_with('#') {
            rest = rest.split_once('\n').map_or("", |(_, after)| after).trim_start();
            continue;
        }
        let (name, after) = rest.split_once('=')?;
        let (value, after) = match after.chars().next() {
            Some(quote @ ('\'' | '"')) => quoted(&after[1..], quote)?,
            _ => unquoted(after)?,
        };
        variables.push((name.to_owned(), value));
        rest = after.trim_start();
    }
    Some(variables)
}

fn unquoted(text: &str) -> Option<(String, &str)> {
    let (line, after) = text.split_once('\n').unwrap_or((text, ""));
    let value = line.split_once(" #").map_or(line, |(value, _)| value);
    Some((interpolate(value.trim())?, after))
}

/// A backslash before the quote is taken away in both kinds.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut backslash = false;
    for (at, it) in text.char_indices() {
        match (backslash, it) {
            (false, '\\') => backslash = true,
            (false, it) if it == quote => {
                let value = if quote == '"' { interpolate(&escapes(&value)?)? } else { value };
                return Some((value, &text[at + 1..]));
            }
            (true, it) if it == quote => {
                backslash = false;
                value.push(it);
            }
            (had, it) => {
                if had {
                    value.push('\\');
                }
                backslash = false;
                value.push(it);
            }
        }
    }
    None
}

/// `\\`, `\"` and `\$`, the last as the `$$` that interpolation knows; none where there is another.
fn escapes(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(it) = chars.next() {
        match it {
            '\\' => match chars.next()? {
                '$' => out.push_str("$$"),
                it @ ('\\' | '"') => out.push(it),
                _ => return None,
            },
            it => out.push(it),
        }
    }
    Some(out)
}

/// `$$` is a dollar sign; none where a variable would be looked up.
fn interpolate(text: &str) -> Option<String> {
    let rest = text.replace("$$", "");
    (!rest.contains('$')).then(|| text.replace("$$", "$"))
}
