//! A QR code, drawn into the page: our pages load no picture that is not a file of ours.

use std::fmt::{self, Write};

use qrcodegen::{QrCode, QrCodeEcc};

use super::is_html;

/// In every scheme dark on light: that is what cameras know.
#[derive(Clone, Debug)]
pub struct Qr {
    /// What it is, for who can't see it.
    what: &'static str,
    /// Modules on a side.
    size: i32,
    /// The dark ones, as an SVG path.
    path: String,
}

/// Light modules around it, as the standard wants them.
const QUIET: i32 = 4;

impl Qr {
    /// `None` for a text that is too long for any.
    pub fn new(what: &'static str, text: &str) -> Option<Self> {
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
        Some(Self { what, size: code.size(), path: path(&code) })
    }
}

/// A stroke for each run of dark modules on a line.
fn path(code: &QrCode) -> String {
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let length = (x..code.size()).take_while(|it| code.get_module(*it, y)).fold(0, |length, _| length + 1);
            if length > 0 {
                // A String takes whatever is written.
                let _ = write!(path, "M{} {}h{length}v1h-{length}z", x + QUIET, y + QUIET);
            }
            x += length.max(1);
        }
    }
    path
}

impl fmt::Display for Qr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (side, Self { what, path, .. }) = (self.size + 2 * QUIET, self);
        write!(
            f,
            r##"<svg class="qr" width="220" height="220" viewBox="0 0 {side} {side}" role="img" aria-label="{what}" shape-rendering="crispEdges"><rect width="{side}" height="{side}" fill="#fff"/><path d="{path}" fill="#000"/></svg>"##
        )
    }
}

is_html!(Qr);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dark_module_is_drawn_once_and_no_light_one() {
        let text = "otpauth://totp/howdah.example:ada%40birds.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=howdah.example";
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).unwrap();
        let qr = Qr::new("A code", text).unwrap();
        let mut drawn = vec![vec![0; 200]; 200];
        for run in qr.path.split('M').skip(1) {
            let (at, rest) = run.split_once('h').unwrap();
            let (x, y) = at.split_once(' ').unwrap();
            let length: usize = rest.split('v').next().unwrap().parse().unwrap();
            let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
            (x..x + length).for_each(|x| drawn[y][x] += 1);
        }
        let is_dark = |x: usize, y: usize| code.get_module(x as i32 - QUIET, y as i32 - QUIET);
        for (y, line) in drawn.iter().enumerate() {
            for (x, count) in line.iter().enumerate() {
                assert_eq!(*count, i32::from(is_dark(x, y)), "{x} {y}");
            }
        }
        assert!(Qr::new("A code", &"a".repeat(5000)).is_none());
    }
}
