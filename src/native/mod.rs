//! The native leg: answers as LiteLLM would, or declines before any effect.
