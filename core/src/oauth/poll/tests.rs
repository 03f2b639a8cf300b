use super::*;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn at(seconds: u64) -> Now {
    Now {
        monotonic: secs(seconds),
        wall: SystemTime::UNIX_EPOCH + secs(1_000_000 + seconds),
    }
}

#[test]
fn slow_down_ten_times_adds_up() {
    let mut machine = PollMachine::new(secs(5), secs(10_000), at(0), false);
    for n in 1..=10 {
        assert_eq!(
            machine.answered(PollOutcome::SlowDown, at(n)),
            secs(5 + 5 * n)
        );
    }
    assert_eq!(machine.answered(PollOutcome::Pending, at(11)), secs(55));
}

#[test]
fn an_outage_doubles_the_wait_and_ends_with_it() {
    let mut machine = PollMachine::new(secs(5), secs(10_000), at(0), false);
    let away = PollOutcome::Unavailable { retry_after: None };
    let waits: Vec<_> = (0..6)
        .map(|n| machine.answered(away, at(n)).as_secs())
        .collect();
    assert_eq!(waits, [10, 20, 40, 60, 60, 60]);
    let asked = PollOutcome::Unavailable {
        retry_after: Some(secs(90)),
    };
    assert_eq!(machine.answered(asked, at(7)), secs(90));
    assert_eq!(machine.answered(PollOutcome::Pending, at(8)), secs(5));
}

#[test]
fn a_suspend_past_the_expiry_is_seen_by_the_wall_clock() {
    let machine = PollMachine::new(secs(5), secs(600), at(0), false);
    let woken = Now {
        monotonic: secs(6),
        wall: at(4_000).wall,
    };
    assert_eq!(machine.next(woken), Next::Expired);
    // And a wall clock set back does not prolong it.
    let set_back = Now {
        monotonic: secs(601),
        wall: SystemTime::UNIX_EPOCH,
    };
    assert_eq!(machine.next(set_back), Next::Expired);
}

#[test]
fn a_suspend_before_the_expiry_means_one_poll_not_many() {
    let mut machine = PollMachine::new(secs(5), secs(600), at(0), false);
    assert_eq!(machine.next(at(300)), Next::Poll);
    machine.answered(PollOutcome::Pending, at(301));
    assert_eq!(machine.next(at(302)), Next::Wait(secs(4)));
}

#[test]
fn the_first_poll_comes_when_asked() {
    assert_eq!(
        PollMachine::new(secs(5), secs(60), at(0), true).next(at(0)),
        Next::Poll
    );
    assert_eq!(
        PollMachine::new(secs(5), secs(60), at(0), false).next(at(0)),
        Next::Wait(secs(5))
    );
    let huge = PollMachine::new(secs(u64::MAX), secs(60), at(0), false);
    assert_eq!(huge.next(at(0)), Next::Wait(secs(60)));
}

/// Every sequence of answers up to a depth, and thousands of long random ones: never faster than
/// the interval, the interval never shrinks, never past the deadline, every run ends.
#[test]
fn the_laws_hold_for_every_run() {
    let answers = [
        PollOutcome::Pending,
        PollOutcome::SlowDown,
        PollOutcome::Unavailable { retry_after: None },
        PollOutcome::Unavailable {
            retry_after: Some(secs(17)),
        },
        PollOutcome::Unavailable {
            retry_after: Some(Duration::MAX),
        },
    ];
    for code in 0..5_usize.pow(6) {
        run(
            5,
            120,
            |poll| answers[code / 5_usize.pow(poll as u32 % 6) % 5],
            |_| 1,
        );
    }
    let mut random = fastrand::Rng::with_seed(8628);
    for _ in 0..2_000 {
        let (interval, life) = (random.u64(1..200), random.u64(1..5_000));
        let mut other = fastrand::Rng::with_seed(random.u64(..));
        run(
            interval,
            life,
            |_| answers[random.usize(..5)],
            |_| other.u64(0..40),
        );
    }
}

fn run(
    interval: u64,
    life: u64,
    mut answer: impl FnMut(usize) -> PollOutcome,
    mut latency: impl FnMut(usize) -> u64,
) {
    let mut machine = PollMachine::new(secs(interval), secs(life), at(0), false);
    let (mut clock, mut last_answer, mut polls, mut steps) = (0, 0, 0, 0);
    loop {
        steps += 1;
        assert!(steps < 100_000, "a run must end");
        match machine.next(at(clock)) {
            Next::Expired => break assert!(clock >= life),
            Next::Wait(wait) => {
                assert!(
                    !wait.is_zero() && clock + wait.as_secs() <= life,
                    "slept past the expiry"
                );
                clock += wait.as_secs();
            }
            Next::Poll => {
                assert!(clock < life, "polled a dead code");
                assert!(
                    clock - last_answer >= machine.interval().as_secs(),
                    "polled too fast"
                );
                let before = machine.interval();
                clock += latency(polls);
                machine.answered(answer(polls), at(clock));
                assert!(machine.interval() >= before, "the interval shrank");
                last_answer = clock;
                polls += 1;
            }
        }
    }
}
