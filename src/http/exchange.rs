//! What a handler may tell the connection its request came on: that a body is on its way, that the client may send it now (RFC 9110
//! §10.1.1), or that it may go on sending for a while without being heard, so that it gets to read the answer.

use std::cell::Cell;
use std::rc::Rc;

use actix_web::HttpRequest;

/// One connection, seen from a handler and from the socket; both live on the same thread.
#[derive(Debug, Clone, Default)]
pub struct Exchange(Rc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    /// The client waits for `100 Continue`.
    waiting: Cell<bool>,
    /// The one that the machinery writes is still to be taken out.
    held: Cell<bool>,
    /// `100 Continue` is to be sent with the next chance.
    due: Cell<bool>,
    /// The connection ends after a refusal: what still comes is read and thrown away.
    discard: Cell<bool>,
    /// A request is being served whose body has not been read to its end.
    body: Cell<bool>,
}

impl Exchange {
    /// The connection of a request; a detached one where there is none.
    pub fn of(request: &HttpRequest) -> Self {
        request.conn_data::<Self>().cloned().unwrap_or_default()
    }

    /// Keeps `100 Continue` back until [`Exchange::proceed`]: the client is waiting for it before it sends the body.
    pub fn hold(&self) {
        self.0.waiting.set(true);
        self.0.held.set(true);
    }

    /// Lets the client send the body, if it waits for that.
    pub fn proceed(&self) {
        if self.0.waiting.replace(false) {
            // Either it is on its way and may go on, or it was taken out and has to be sent.
            self.0.due.set(!self.0.held.replace(false));
        }
    }

    /// Lets the client finish sending what nobody wants, for a while.
    pub fn discard(&self) {
        self.0.discard.set(true);
    }

    /// From now on what comes is a body; `false`: its end was read.
    pub fn body(&self, is_coming: bool) {
        self.0.body.set(is_coming);
    }

    pub(super) fn is_body(&self) -> bool {
        self.0.body.get()
    }

    pub(super) fn is_held(&self) -> bool {
        self.0.held.get()
    }

    /// What was held has been taken out.
    pub(super) fn taken(&self) {
        self.0.held.set(false);
    }

    /// Whether `100 Continue` has to be sent; asked once.
    pub(super) fn take_due(&self) -> bool {
        self.0.due.replace(false)
    }

    pub(super) fn discards(&self) -> bool {
        self.0.discard.get()
    }
}
