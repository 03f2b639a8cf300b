//! The server: a family of refresh tokens per login, each good for once.

use crate::config::Reuse;

/// Tokens are numbered as they are issued.
pub(crate) type Token = u8;

const TOKENS: usize = 12;
const FAMILIES: usize = 6;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pair {
    pub(crate) family: u8,
    pub(crate) org: usize,
    spent_at: Option<u8>,
    /// The server has refused it.
    pub(crate) refused: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Death {
    Reused,
    Revoked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Family {
    pub(crate) current: Token,
    pub(crate) death: Option<Death>,
    /// Its current pair may be lost, for a reason that nobody can help.
    pub(crate) excused: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Server {
    pairs: [Option<Pair>; TOKENS],
    families: [Option<Family>; FAMILIES],
    issued: u8,
}

impl Server {
    pub(crate) fn pair(&self, token: Token) -> Pair {
        self.pairs[usize::from(token)].expect("an issued token")
    }

    pub(crate) fn family(&mut self, token: Token) -> &mut Family {
        let family = self.pair(token).family;
        self.families[usize::from(family)]
            .as_mut()
            .expect("a login of this token")
    }

    pub(crate) fn families(&self) -> impl Iterator<Item = &Family> {
        self.families.iter().flatten()
    }

    pub(crate) fn log_in(&mut self, org: usize) -> Token {
        let family = self.families().count();
        self.families[family] = Some(Family {
            current: self.issued,
            death: None,
            excused: false,
        });
        self.issue(u8::try_from(family).expect("few logins"), org)
    }

    fn issue(&mut self, family: u8, org: usize) -> Token {
        let token = self.issued;
        self.issued += 1;
        self.pairs[usize::from(token)] = Some(Pair {
            family,
            org,
            spent_at: None,
            refused: false,
        });
        token
    }

    /// Takes a refresh token in: a new pair, for `org` where that is given, or a refusal.
    pub(crate) fn refresh(
        &mut self,
        token: Token,
        org: Option<usize>,
        reuse: Reuse,
        now: u8,
    ) -> Option<Token> {
        let pair = self.pair(token);
        let family = *self.family(token);
        if family.death.is_some() || reuse == Reuse::Never {
            return self.refuse(token);
        }
        if token != family.current {
            let age = pair.spent_at.map_or(u8::MAX, |at| now - at);
            self.family(token).excused = true;
            match reuse {
                Reuse::Repeats(grace) if age <= grace => return Some(family.current),
                Reuse::Renews(grace) if age <= grace => {}
                Reuse::Refuses => return self.refuse(token),
                _ => {
                    self.family(token).death = Some(Death::Reused);
                    return self.refuse(token);
                }
            }
        }
        for spent in [token, family.current] {
            let pair = self.pairs[usize::from(spent)].as_mut();
            pair.expect("an issued token").spent_at.get_or_insert(now);
        }
        let new = self.issue(pair.family, org.unwrap_or(pair.org));
        self.family(token).current = new;
        Some(new)
    }

    fn refuse(&mut self, token: Token) -> Option<Token> {
        let pair = self.pairs[usize::from(token)].as_mut();
        pair.expect("an issued token").refused = true;
        None
    }

    pub(crate) fn revoke(&mut self, token: Token) {
        self.family(token).death.get_or_insert(Death::Revoked);
    }
}
