//! The routes of the control surface, and their list.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, on};

use crate::Shared;

/// A router that knows its routes, which `openapi.json` must name one by one.
pub(crate) struct Surface {
    pub(crate) router: Router<Arc<Shared>>,
    /// Methods and paths, in the order in which they were added.
    pub(crate) routes: Vec<(Method, &'static str)>,
}

impl Surface {
    pub(crate) fn new() -> Self {
        Self {
            router: Router::new(),
            routes: Vec::new(),
        }
    }

    pub(crate) fn get<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<Shared>>,
        T: 'static,
    {
        self.route(Method::GET, MethodFilter::GET, path, handler)
    }

    pub(crate) fn post<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<Shared>>,
        T: 'static,
    {
        self.route(Method::POST, MethodFilter::POST, path, handler)
    }

    pub(crate) fn delete<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<Shared>>,
        T: 'static,
    {
        self.route(Method::DELETE, MethodFilter::DELETE, path, handler)
    }

    fn route<H, T>(
        mut self,
        method: Method,
        filter: MethodFilter,
        path: &'static str,
        handler: H,
    ) -> Self
    where
        H: Handler<T, Arc<Shared>>,
        T: 'static,
    {
        self.routes.push((method, path));
        self.router = self.router.route(path, on(filter, handler));
        self
    }
}
