//! A price takes no memory from the heap once its measures are read (S9): the allocator counts.

#![expect(unsafe_code, reason = "an allocator that counts can only be written with it")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use scrip_core::amount::Credits;
use scrip_core::catalog::{Format, read};
use scrip_core::id::MeasureId;
use scrip_core::measure::{Decimal, MeasureValue, Measures};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: everything is left to the system's allocator; counting touches no memory that it manages.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.with(Cell::get);
    work();
    ALLOCATIONS.with(Cell::get) - before
}

#[test]
fn prices_allocate_nothing() {
    let text = include_str!("../../../catalogs/studiotwin.toml");
    let catalog = read(text, Format::Toml).unwrap();
    let mut measures = Measures::none();
    for (name, value) in [("width", 2048), ("height", 1999), ("upscale", 4)] {
        let value = MeasureValue::Number(Decimal::whole(value));
        assert!(measures.insert(MeasureId::parse(name).unwrap(), value));
    }
    let none = Measures::none();
    let mut total = Credits::ZERO;
    let taken = allocations(|| {
        for _ in 0..1_000 {
            total += scrip_core::quote::price(&catalog, "text-to-material", black_box(&measures)).unwrap();
            total += scrip_core::quote::price(&catalog, "motion-edit", black_box(&none)).unwrap();
        }
    });
    assert_eq!((taken, total), (0, Credits::whole(1_000 * (88 + 5))));
    assert!(allocations(|| drop(black_box(Box::new(5)))) > 0, "the allocator counts");
}
