//! A page's frame, and what fields look like.

use std::fmt::Write;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use chrono::DateTime;

const STYLE: &str = "\
:root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}
body{max-width:60rem;margin:0 auto;padding:1rem}
main.narrow{max-width:30rem;margin:0 auto}
label{display:block;margin:.75rem 0 .25rem}
input,select,button{font:inherit;padding:.4rem .6rem;box-sizing:border-box}
label+input,label+select{width:100%}
label.beside{display:inline}
button{margin:.5rem .5rem .5rem 0;cursor:pointer}
table{border-collapse:collapse;width:100%;margin:1rem 0}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8886;vertical-align:top}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}
form.inline{display:inline}
.scroll{overflow-x:auto}
.error{border-left:.3rem solid #c33;padding:.5rem .75rem;background:#c331}
.small{font-size:.875rem}
";

pub async fn stylesheet() -> HttpResponse {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").body(STYLE)
}

pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// `narrow` for what a customer fills in, wide for tables. `body` is HTML.
pub fn page(status: StatusCode, title: &str, narrow: bool, body: &str) -> HttpResponse {
    let title = escape(title);
    let class = if narrow { " class=\"narrow\"" } else { "" };
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><link rel=\"stylesheet\" href=\"/style.css\"></head>\
         <body><main{class}><h1>{title}</h1>{body}</main></body></html>\n"
    );
    HttpResponse::build(status).content_type("text/html; charset=utf-8").body(html)
}

pub fn not_found(what: &str) -> HttpResponse {
    page(StatusCode::NOT_FOUND, "Not found", true, &format!("<p>{} is not known to this simulator.</p>", escape(what)))
}

pub fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header(("Location", location)).finish()
}

/// A field with its label; `more` is what else the input has.
pub fn field(name: &str, label: &str, value: &str, more: &str) -> String {
    let value = escape(value);
    format!("<label for=\"{name}\">{label}</label><input id=\"{name}\" name=\"{name}\" value=\"{value}\" {more}>")
}

/// A form of one button, with what it sends.
pub fn button(action: &str, label: &str, hidden: &[(&str, &str)]) -> String {
    let mut form = format!("<form class=\"inline\" method=\"post\" action=\"{}\">", escape(action));
    for (name, value) in hidden {
        let _ = write!(form, "<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape(value));
    }
    let _ = write!(form, "<button>{}</button></form>", escape(label));
    form
}

/// A form with fields; `act` says to its page what it does.
pub fn form(action: &str, act: &str, fields: &str, label: &str) -> String {
    let (action, label) = (escape(action), escape(label));
    let hidden = format!("<input type=\"hidden\" name=\"do\" value=\"{act}\">");
    format!("<form method=\"post\" action=\"{action}\">{hidden}{fields}<p><button>{label}</button></p></form>")
}

pub fn error(message: &str) -> String {
    format!("<p class=\"error\" role=\"alert\">{}</p>", escape(message))
}

/// `EUR 12.00`; yen and its like have no minor unit.
pub fn money(amount: i64, currency: &str) -> String {
    let currency = currency.to_uppercase();
    if ["JPY", "KRW", "CLP", "VND"].contains(&currency.as_str()) {
        return format!("{currency} {amount}");
    }
    let sign = if amount < 0 { "-" } else { "" };
    format!("{currency} {sign}{}.{:02}", amount.abs() / 100, amount.abs() % 100)
}

pub fn day(at: i64) -> String {
    DateTime::from_timestamp(at, 0).map(|it| it.format("%-d %B %Y").to_string()).unwrap_or_default()
}

pub fn moment(at: i64) -> String {
    DateTime::from_timestamp(at, 0).map(|it| it.format("%Y-%m-%d %H:%M:%S UTC").to_string()).unwrap_or_default()
}

/// A table with its caption. Cells are HTML.
pub fn table(caption: &str, heads: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return format!("<p>{caption}: none.</p>");
    }
    let mut table = format!("<div class=\"scroll\"><table><caption>{caption}</caption><thead><tr>");
    heads.iter().for_each(|it| {
        let _ = write!(table, "<th scope=\"col\">{it}</th>");
    });
    table.push_str("</tr></thead><tbody>");
    for row in rows {
        let cells: String = row.iter().map(|it| format!("<td>{it}</td>")).collect();
        let _ = write!(table, "<tr>{cells}</tr>");
    }
    table.push_str("</tbody></table></div>");
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_with_their_minor_units() {
        assert_eq!(money(1205, "eur"), "EUR 12.05");
        assert_eq!(money(-7, "usd"), "USD -0.07");
        assert_eq!(money(500, "jpy"), "JPY 500");
    }
}
