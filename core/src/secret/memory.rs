//! Looks for a secret in all of this process's memory, as whoever reads a core dump can.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    sync::{Mutex, PoisonError},
};
use zeroize::Zeroize;

const LENGTH: usize = 96;
/// A freed text loses its first bytes to the allocator's own notes.
const SEARCHED: usize = 32;

/// A secret that nothing holds but what it was given to.
pub(crate) struct Canary(u64);

impl Canary {
    pub(crate) fn new() -> Self {
        Canary(fastrand::u64(..))
    }

    fn byte(&self, at: usize) -> u8 {
        let mixed = (self.0 ^ at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        b'a' + ((mixed >> 32) % 26) as u8
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::with_capacity(LENGTH);
        (0..LENGTH).for_each(|at| text.push(char::from(self.byte(at))));
        text
    }

    /// How often it is in memory.
    pub(crate) fn copies(&self) -> usize {
        // What another search has in its buffer is no copy.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let memory = File::open("/proc/self/mem").expect("readable");
        let mut buffer = vec![0_u8; 1 << 16];
        let own = buffer.as_ptr() as usize;
        let own = own..own + buffer.len();
        let maps = fs::read_to_string("/proc/self/maps").expect("readable");
        let mut copies = 0;
        for line in maps.lines().filter(|line| line.contains(" rw-p ")) {
            let (from, to) = line
                .split_once(' ')
                .and_then(|(range, _)| range.split_once('-'))
                .expect("a range");
            let number = |text| usize::from_str_radix(text, 16).expect("an address");
            let (mut at, to) = (number(from), number(to));
            while at < to {
                let Ok(length) = memory.read_at(&mut buffer, at as u64) else {
                    break;
                };
                copies += self.copies_in(&buffer[..length], |start| own.contains(&(at + start)));
                if length <= 2 * SEARCHED {
                    break;
                }
                // What lies across the end is looked at again.
                at += (length - 2 * SEARCHED) & !7;
            }
        }
        buffer.zeroize();
        copies
    }

    /// By whole words, most of which are zero, as there is much memory to look at.
    fn copies_in(&self, memory: &[u8], is_own: impl Fn(usize) -> bool) -> usize {
        let tail = |at: usize| self.byte(LENGTH - SEARCHED + at);
        let words: [u64; 8] = std::array::from_fn(|shift| {
            u64::from_ne_bytes(std::array::from_fn(|at| tail(shift + at)))
        });
        let mut copies = 0;
        for (number, word) in memory.chunks_exact(8).enumerate() {
            let word = u64::from_ne_bytes(word.try_into().expect("eight bytes"));
            if word == 0 {
                continue;
            }
            let shift = words.iter().position(|candidate| *candidate == word);
            let start = shift.and_then(|shift| (number * 8).checked_sub(shift));
            let found = start.filter(|start| {
                let copy = memory.get(*start..start + SEARCHED);
                copy.is_some_and(|copy| (0..SEARCHED).all(|at| copy[at] == tail(at)))
            });
            copies += usize::from(found.is_some_and(|start| !is_own(start)));
        }
        copies
    }
}
