//! The face AI tools see: tools, resources, prompts and context. It knows neither HTTP nor the command line; `http` and
//! `cli` carry its messages.
