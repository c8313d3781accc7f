//! Fresh random bytes for the salts of texts (R29).

/// Draws from the machine's random source a page at a time, since a system call per command would cost more than
/// the command.
pub(crate) struct Salts {
    page: [u8; 4096],
    used: usize,
}

impl Default for Salts {
    fn default() -> Salts {
        Salts { page: [0; 4096], used: 4096 }
    }
}

impl Salts {
    /// Sixteen bytes that were never given before.
    pub(crate) fn next(&mut self) -> [u8; 16] {
        if self.used + 16 > self.page.len() {
            getrandom::fill(&mut self.page).expect("the machine's random source answers");
            self.used = 0;
        }
        let mut salt = [0; 16];
        salt.copy_from_slice(&self.page[self.used..self.used + 16]);
        self.used += 16;
        salt
    }
}
